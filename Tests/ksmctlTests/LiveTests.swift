import Foundation
import Testing

/// A process that looks like a guest: a shell under QEMU's name that waits for its input to end.
final class FakeGuest {
    private let directory: TemporaryDirectory
    private let process = Process()
    private let input = Pipe()

    init(name: String) throws {
        directory = try TemporaryDirectory()
        let program = directory.path + "/qemu-system-x86_64"
        try FileManager.default.copyItem(
            atPath: URL(fileURLWithPath: "/bin/sh").resolvingSymlinksInPath().path,
            toPath: program
        )
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-c", "read line", "-name", "guest=\(name)", "-object", "secret,data=hunter2"]
        process.standardInput = input
        try process.run()
    }

    var pid: Int32 { process.processIdentifier }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

/// These look at the running kernel and change nothing.
@Suite("The running machine", .enabled(if: Tool.hasKSM, "this kernel has no KSM"))
struct LiveTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func guest(_ name: String, in status: [String: Any]) -> [String: Any]? {
        (status["guests"] as? [[String: Any]])?.first { $0["name"] as? String == name }
    }

    @Test("Status lists a guest by its name")
    func status() throws {
        let fake = try FakeGuest(name: "ksmctl-live")
        let result = try Tool.run(["status", "--json"])
        #expect(result.status == 0)
        let found = try #require(guest("ksmctl-live", in: try object(result.output)))
        #expect(found["pid"] as? Int32 == fake.pid)
        #expect((found["rss_bytes"] as? Int).map { $0 > 0 } == true)
        // Own processes are readable for any user; ksm_process_profit came with 6.4.
        let ownStat = FileManager.default.contents(atPath: "/proc/self/ksm_stat").map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(found["profit_bytes"] is Int == (ownStat?.contains("ksm_process_profit") == true))
    }

    @Test(
        "Any user gets a status, and is told what is missing",
        .enabled(if: Tool.canBeNobody, "nobody cannot run ksmctl here")
    )
    func unprivileged() throws {
        let fake = try FakeGuest(name: "ksmctl-nobody")
        let text = try Tool.run(["status"], prefix: Tool.nobody)
        #expect(text.status == 0)
        #expect(text.output.contains("Could not be read:\n"))
        #expect(text.output.contains("ksm_merging_pages: Permission denied"))
        #expect(text.output.contains("Run `ksmctl status` as root to see what is missing."))
        let json = try object(try Tool.run(["status", "--json"], prefix: Tool.nobody).output)
        let found = try #require(guest("ksmctl-nobody", in: json))
        #expect(found["pid"] as? Int32 == fake.pid)
        #expect(found["merged_bytes"] is NSNull)
        #expect(json["saved_bytes"] is Int)
        for arguments in [["show"], ["show", "run"], ["config", "show"]] {
            #expect(try Tool.run(arguments, prefix: Tool.nobody).status == 0)
        }
    }

    @Test("A record is a machine: status of it is the status of before, and nothing secret is in it")
    func record() throws {
        let fake = try FakeGuest(name: "ksmctl-record")
        let directory = try TemporaryDirectory()
        let before = try object(try Tool.run(["show", "--json"]).output)
        let recorded = try Tool.run(["record", directory.path])
        #expect(recorded.status == 0)
        #expect(recorded.output.contains("Wrote "))

        // Tests of the real KSM run at the same time and may have changed it on either side of the record.
        let live = try object(try Tool.run(["show", "--json"]).output)
        let replayed = try object(try Tool.run(["show", "--json", "--root", directory.path]).output)
        let found = value(of: "sleep_millisecs", in: replayed)
        #expect(found == value(of: "sleep_millisecs", in: live) || found == value(of: "sleep_millisecs", in: before))
        let status = try Tool.run(["status", "--json", "--root", directory.path])
        #expect(status.status == 0)
        let guest = try #require(guest("ksmctl-record", in: try object(status.output)))
        #expect(guest["pid"] as? Int32 == fake.pid)
        #expect((guest["rss_bytes"] as? Int).map { $0 > 0 } == true)

        #expect(directory.read("proc/sys/kernel/random/boot_id") == "00000000-0000-4000-8000-000000000000\n")
        #expect(directory.read("proc/stat")?.split(separator: "\n").count == 2)
        for file in directory.files() {
            #expect(directory.read(file)?.contains("hunter2") == false, "\(file)")
        }
        let again = try Tool.run(["record", directory.path])
        #expect(again.status == 1)
        #expect(again.errors.contains("Directory not empty"))
    }

    private func value(of attribute: String, in show: [String: Any]) -> Int? {
        (show[attribute] as? [String: Any])?["value"] as? Int
    }

    @Test("A record is made where there is no directory yet, and lists its files as JSON")
    func recordAsJSON() throws {
        let directory = try TemporaryDirectory()
        let result = try Tool.run(["record", "--json", directory.path + "/new"])
        #expect(result.status == 0)
        let json = try object(result.output)
        let written = try #require(json["written"] as? [String])
        #expect(written.contains("/sys/kernel/mm/ksm/run"))
        #expect(written.contains("/proc/meminfo"))
        #expect(Set(directory.files()) == Set(written.map { "new" + $0 }))
    }
}
