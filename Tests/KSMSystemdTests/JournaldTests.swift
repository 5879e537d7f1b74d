import Foundation
import Glibc
import KSMSystemd
import Testing

/// Whether this machine can run a journal of the test's own.
let canRunJournald = geteuid() == 0 && access(JournaldFixture.program, X_OK) == 0

@Suite("Journal entries in a real journal")
struct JournaldTests {
    @Test(
        "An entry comes back with its fields, newlines and id",
        .enabled(if: canRunJournald, "needs root and systemd-journald, for a journal in a mount namespace")
    )
    func readBack() async {
        await #expect(processExitsWith: .success) {
            let journal = try JournaldFixture()
            let writer = JournalWriter(environment: try JournaldFixture.environmentWithStandardError())
            #expect(writer.isJournal)
            writer.write(
                .notice,
                "Scanning: 7 GiB free\nof 32 GiB",
                id: .scanningStarted,
                fields: [
                    ("KSM_REASON", "pressure"), ("KSM_GUEST", "first\nsecond = \"x\""), ("KSM_EMPTY", ""),
                    ("_PID", "1"), ("ksm_low", "no"), ("PRIORITY", "0"),
                ]
            )
            writer.write(.error, String(repeating: "long ", count: 200_000))
            #expect(writer.refusedFields == 3)
            #expect(writer.dropped == 0)

            let entries = try journal.entries()
            try #require(entries.count == 2)
            let entry = entries[0]
            #expect(entry["MESSAGE"] == "Scanning: 7 GiB free\nof 32 GiB")
            #expect(entry["PRIORITY"] == "5")
            #expect(entry["MESSAGE_ID"] == MessageID.scanningStarted.rawValue)
            #expect(entry["SYSLOG_IDENTIFIER"] == "ksmd")
            #expect(entry["KSM_REASON"] == "pressure")
            #expect(entry["KSM_GUEST"] == "first\nsecond = \"x\"")
            #expect(entry["KSM_EMPTY"] == "")
            #expect(entry["_PID"] == "\(getpid())")
            #expect(entry["ksm_low"] == nil)
            #expect(entries[1]["MESSAGE"]?.utf8.count == 1_000_000)
            #expect(entries[1]["MESSAGE_ID"] == nil)
        }
    }

    @Test(
        "The journal selects entries by message id",
        .enabled(if: canRunJournald, "needs root and systemd-journald, for a journal in a mount namespace")
    )
    func selection() async {
        await #expect(processExitsWith: .success) {
            let journal = try JournaldFixture()
            let writer = JournalWriter(environment: try JournaldFixture.environmentWithStandardError())
            for id in MessageID.allCases { writer.write(.info, "kind \(id)", id: id) }
            let entries = try journal.entries("MESSAGE_ID=\(MessageID.held.rawValue)")
            #expect(entries.map { $0["MESSAGE"] } == ["kind held"])
        }
    }

    @Test(
        "An entry that the journal refuses is written as text instead",
        .enabled(if: canRunJournald, "needs root and systemd-journald, for a journal in a mount namespace")
    )
    func journalRefuses() async {
        await #expect(processExitsWith: .success) {
            let journal = try JournaldFixture()
            try journal.breakSocket()
            let pipe = try Pipe()
            let environment = try JournaldFixture.environment(with: pipe.writeEnd)
            let writer = JournalWriter(environment: environment, standardError: pipe.writeEnd)
            writer.write(.warning, "Not\nlost")
            #expect(try text(pipe.available()) == "<4>Not lost\n")
            #expect(writer.dropped == 0)
        }
    }
}

/// A journald of our own: private /run in a private mount namespace, volatile storage.
///
/// For exit tests only: the process that makes it never sees the machine's /run again.
final class JournaldFixture {
    static let program = "/lib/systemd/systemd-journald"
    private static let socketPath = "/run/systemd/journal/socket"
    private var pid: Int32

    init() throws {
        let unshare = try function("unshare", as: (@convention(c) (Int32) -> Int32).self)
        let newMountNamespace: Int32 = 0x0002_0000  // CLONE_NEWNS
        try succeed("unshare", unshare(newMountNamespace))
        try succeed("mount /", mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil))
        try succeed("mount /run", mount("tmpfs", "/run", "tmpfs", 0, nil))
        for directory in ["systemd", "systemd/journal", "systemd/journald.conf.d", "log", "log/journal"] {
            try succeed("mkdir", mkdir("/run/" + directory, 0o755))
        }
        let settings = "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\n"
        try Data(settings.utf8).write(to: URL(filePath: "/run/systemd/journald.conf.d/test.conf"))
        pid = try JournaldFixture.run([JournaldFixture.program])
        try waitForSocket()
    }

    deinit {
        kill(pid, SIGTERM)
        waitpid(pid, nil, 0)
    }

    /// Starts a program that a crash of this process does not leave behind.
    static func run(_ arguments: [String], output: Int32? = nil) throws -> Int32 {
        try start(["setpriv", "--pdeathsig", "KILL"] + arguments, output: output)
    }

    /// Ends the journal by `signal` and starts another one, which has the same directory.
    func restart(by signal: Int32) throws {
        try succeed("kill", kill(pid, signal))
        try succeed("waitpid", waitpid(pid, nil, 0))
        unlink(JournaldFixture.socketPath)
        pid = try JournaldFixture.run([JournaldFixture.program])
        try waitForSocket()
    }

    /// Polls with a deadline of ten seconds.
    private func waitForSocket() throws {
        for _ in 0..<1000 where access(JournaldFixture.socketPath, F_OK) != 0 { _ = poll(nil, 0, 10) }
        try succeed("wait for the journal's socket", access(JournaldFixture.socketPath, F_OK))
    }

    /// Puts a plain file where the journal's socket is.
    func breakSocket() throws {
        try succeed("unlink", unlink(JournaldFixture.socketPath))
        try Data().write(to: URL(filePath: JournaldFixture.socketPath))
    }

    /// What the service manager would set for a service whose standard error is `descriptor`.
    static func environment(with descriptor: Int32) throws -> ServiceEnvironment {
        var status = stat()
        try succeed("fstat", fstat(descriptor, &status))
        return ServiceEnvironment(journalStream: "\(status.st_dev):\(status.st_ino)")
    }

    static func environmentWithStandardError() throws -> ServiceEnvironment {
        try environment(with: STDERR_FILENO)
    }

    /// The entries of ksmd so far, oldest first.
    func entries(_ match: String = "SYSLOG_IDENTIFIER=ksmd") throws -> [[String: String]] {
        _ = try outputOf("journalctl", "--sync")
        let lines = try outputOf("journalctl", "--quiet", "--all", "--output=json", match)
        return try lines.split(separator: UInt8(ascii: "\n")).map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
            return try #require(object).compactMapValues(JournaldFixture.text)
        }
    }

    /// A value is a string, or an array of byte values if it holds control characters.
    private static func text(_ value: Any) -> String? {
        if let string = value as? String { return string }
        return (value as? [UInt8]).map { String(decoding: $0, as: UTF8.self) }
    }
}
