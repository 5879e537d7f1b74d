import Foundation
import Glibc
import KSMTestSupport
import Testing

/// A mount namespace with a `/run` of its own and a journald that writes there.
final class OwnJournal {
    static let program = "/lib/systemd/systemd-journald"
    private static let socketPath = "/run/systemd/journal/socket"

    /// Holds the namespace.
    private let keeper: Program
    private var journald: Program?

    /// The root directory of the namespace, as seen from outside.
    var root: String { "/proc/\(keeper.pid)/root" }

    /// - Parameter kibibytes: the room for the journal's files.
    init(kibibytes: Int = 16384) throws {
        let settings = "[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nForwardToSyslog=no\\n"
        let work = """
            set -e; mount -t tmpfs tmpfs /run
            mkdir -p /run/systemd/journal /run/log/journal /run/systemd/journald.conf.d
            mount -t tmpfs -o size=\(kibibytes)k tmpfs /run/log/journal
            printf '\(settings)' >/run/systemd/journald.conf.d/test.conf
            echo ready; exec sleep 300
            """
        keeper = try Program("/usr/bin/unshare", ["-m", "--propagation", "private", "sh", "-c", work])
        let keeper = keeper
        try #require(eventually { keeper.standardOutput == "ready\n" }, "\(keeper.standardError)")
        try start()
    }

    deinit {
        journald?.send(SIGKILL)
        keeper.send(SIGKILL)
    }

    /// Starts journald, again after it was killed.
    func start() throws {
        journald?.wait()
        unlink(root + OwnJournal.socketPath)
        let words = inside + ["setpriv", "--pdeathsig", "KILL", OwnJournal.program]
        journald = try Program(words[0], Array(words.dropFirst()))
        try #require(eventually { access(root + OwnJournal.socketPath, F_OK) == 0 })
    }

    func send(_ signal: Int32) { journald?.send(signal) }

    private var inside: [String] { ["/usr/bin/nsenter", "--target", "\(keeper.pid)", "--mount"] }

    /// What starts a program there, with its standard error in a file that it is told to be the journal's.
    func command(standardError file: String) -> [String] {
        let work = "exec 2>\(file); JOURNAL_STREAM=$(stat -L -c %d:%i \(file)) exec \"$@\""
        return inside + ["sh", "-c", work, "sh"]
    }

    func text(_ file: String) -> String { (try? String(contentsOfFile: root + file, encoding: .utf8)) ?? "" }

    /// How many of ksmd's entries have these words in their message.
    func entries(_ words: String) throws -> Int {
        let journalctl = inside.dropFirst() + ["journalctl", "--quiet", "--output=cat", "SYSLOG_IDENTIFIER=ksmd"]
        let result = try Program.run(inside[0], Array(journalctl))
        return result.out.split(separator: "\n").count { words.isEmpty || $0.contains(words) }
    }

    /// Sends entries until the socket takes no more.
    func fill() throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_NONBLOCK, 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array((root + OwnJournal.socketPath).utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isConnected)
        let entry = Array("MESSAGE=filler\n".utf8)
        while write(descriptor, entry, entry.count) > 0 {}
        #expect(errno == EAGAIN)
    }
}
