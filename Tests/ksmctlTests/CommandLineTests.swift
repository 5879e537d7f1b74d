import Foundation
import Testing

@Suite("Arguments and exit statuses")
struct CommandLineTests {
    struct Row: CustomTestStringConvertible {
        var arguments: [String]
        var status: Int32
        var output = ""
        var errors = ""
        var testDescription: String { "ksmctl " + arguments.joined(separator: " ") }
    }

    static let rows = [
        Row(arguments: ["--help"], status: 0, output: "USAGE: ksmctl"),
        Row(arguments: ["-h"], status: 0, output: "retune"),
        Row(arguments: ["status", "--help"], status: 0, output: "--json"),
        Row(arguments: ["--version"], status: 0, output: "ksmctl 0."),
        Row(arguments: [], status: 2, errors: "A command is missing"),
        Row(arguments: ["frobnicate"], status: 2, errors: "frobnicate"),
        Row(arguments: ["--json"], status: 2, errors: "Unknown option '--json'"),
        Row(arguments: ["status", "--bogus"], status: 2, errors: "Unknown option '--bogus'"),
        Row(arguments: ["status", "extra"], status: 2, errors: "extra"),
        Row(arguments: ["status", "--root"], status: 2, errors: "Missing value for '--root'"),
        Row(arguments: ["status", "--root", "/nowhere"], status: 2, errors: "Failed to open /nowhere: No such file"),
        Row(arguments: ["status", "--root", "/dev/null"], status: 2, errors: "Not a directory"),
        Row(arguments: ["show", "pages"], status: 2, errors: "'pages' is no attribute of KSM"),
        Row(arguments: ["config"], status: 2, errors: "check, show or import"),
        Row(arguments: ["config", "edit"], status: 2, errors: "edit"),
        Row(arguments: ["config", "check", "/nowhere.conf"], status: 78, errors: "/nowhere.conf: No such file"),
        Row(arguments: ["record"], status: 2, errors: "Missing expected argument '<dir>'"),
        Row(arguments: ["record", "/dev/null"], status: 1, errors: "Not a directory"),
        Row(arguments: ["record", "/"], status: 1, errors: "Failed to record into /: Directory not empty"),
        // An option that does not exist is never taken for one of the ignored words: this would stop the wrong machine.
        Row(arguments: ["stop", "--root", "/nowhere"], status: 2, errors: "Unknown option '--root'"),
        Row(arguments: ["numa", "--help"], status: 0, output: "show (default)"),
        Row(arguments: ["numa", "show", "--help"], status: 0, output: "--measure"),
        Row(arguments: ["numa", "set"], status: 2, errors: "Missing expected argument '<scope>'"),
        Row(arguments: ["numa", "set", "here"], status: 2, errors: "'auto', 'local', 'across' or 'leave'"),
        Row(arguments: ["numa", "set", "auto", "--force"], status: 2, errors: "'--force' is for local and across"),
        Row(
            arguments: ["numa", "--measure", "--root", "/"],
            status: 2,
            errors: "'--measure' is for the running machine"
        ),
        // These would change the wrong machine.
        Row(arguments: ["numa", "--root", "/nowhere", "set", "local"], status: 2, errors: "'set', 'local'"),
        Row(arguments: ["numa", "set", "local", "--root", "/nowhere"], status: 2, errors: "Unknown option '--root'"),
        Row(arguments: ["unmerge", "--root", "/nowhere"], status: 2, errors: "Unknown option '--root'"),
        Row(arguments: ["unmerge", "now"], status: 2, errors: "now"),
    ]

    @Test("Every misuse has one line that says what is wrong", arguments: rows)
    func row(row: Row) throws {
        let result = try Tool.run(row.arguments)
        #expect(result.status == row.status)
        #expect(row.output.isEmpty ? result.output.isEmpty : result.output.contains(row.output))
        #expect(row.errors.isEmpty ? result.errors.isEmpty : result.errors.contains(row.errors))
        #expect(result.errors.split(separator: "\n").count <= 1)
    }
}

@Suite("A recorded machine")
struct RecordedMachineTests {
    private func machine(_ more: [String: String] = [:]) throws -> TemporaryDirectory {
        try TemporaryDirectory(RecordedMachine.files.merging(more) { $1 })
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("Status without a report of the daemon")
    func status() throws {
        let machine = try machine()
        let result = try Tool.run(["status", "--root", machine.path])
        #expect(result.status == 0)
        #expect(
            result.output == """
                stopped: the record holds no report of ksmd

                Saved        3.5 MiB (900 pages found in 100)
                Net          3.4 MiB after the kernel's bookkeeping
                Scanner CPU  1.5 s since boot
                Settings     run 0, 100 pages per batch, 20 ms between batches
                Scope        across (equal pages are merged over all nodes); node 0 has 4.8 GiB
                             of 16.0 GiB available

                GUEST   PID      RSS   MERGED    SAVED   PROFIT
                web1   1234  2.0 GiB  3.9 MiB  3.5 MiB  3.8 MiB

                Warnings:
                - counters are stale: scanning stands still, and what was written or freed since
                  is still counted as merged

                """
        )
        #expect(result.errors.isEmpty)
    }

    @Test("Status with one: what a later version added does not matter")
    func statusWithReport() throws {
        let machine = try machine(["run/ksmd/state.json": RecordedMachine.stateFile])
        let text = try Tool.run(["status", "--root", machine.path]).output
        #expect(
            text.hasPrefix("stopped: memory is not short\nksmd 9.9, pid 77, policy classic, for 1 h 21 min; tick 12")
        )
        #expect(text.contains("scanning stopped 14 min ago"))
        let json = try object(try Tool.run(["status", "--json", "--root", machine.path]).output)
        #expect(json["state"] as? String == "stopped")
        #expect(json["reason"] as? String == "memory is not short")
        #expect(json["saved_bytes"] as? Int == 900 * 4096)
        #expect(json["net_saved_bytes"] as? Int == 3_600_000)
        #expect(json["scanner_cpu_seconds"] as? Double == 1.5)
        let guest = try #require((json["guests"] as? [[String: Any]])?.first)
        #expect(guest["name"] as? String == "web1")
        #expect(guest["pid"] as? Int == 1234)
        #expect(guest["rss_bytes"] as? Int == 524_288 * 4096)
        #expect(guest["merged_bytes"] as? Int == 1000 * 4096)
        #expect(guest["saved_bytes"] as? Int == 900 * 4096)
        #expect(guest["profit_bytes"] as? Int == 3_968_000)
        #expect((json["warnings"] as? [String])?.count == 1)
        #expect((json["unreadable"] as? [String])?.isEmpty == true)
    }

    @Test(
        "A report that is of no use is named and left aside",
        arguments: [
            (#"{"version":2,"state":"held"}"#, "its version is 2, this ksmctl knows 1"),
            (#"{"state":"held"}"#, "its version is none"),
            ("", "it is not a report of ksmd"), ("[1]", "it is not a report of ksmd"),
            (#"{"version":1"#, "it is not a report of ksmd"), ("\u{0}", "it is not a report of ksmd"),
        ]
    )
    func badReport(text: String, complaint: String) throws {
        let machine = try machine(["run/ksmd/state.json": text])
        let result = try Tool.run(["status", "--root", machine.path])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("stopped: the record holds no report of ksmd\n"))
        #expect(
            result.output.replacing("\n  ", with: " ").contains("Failed to read /run/ksmd/state.json: \(complaint)")
        )
    }

    @Test("A hold is shown even where no daemon reports it")
    func hold() throws {
        let machine = try machine(["run/ksmd/hold": "version 1\nby alice\nsince 1699999880\n"])
        let text = try Tool.run(["status", "--root", machine.path]).output
        #expect(text.contains("- stopped by alice 2 min ago with `ksmctl stop`; `ksmctl start` ends it\n"))
    }

    @Test("A kernel file that makes no sense is named, and the rest is shown")
    func unreadable() throws {
        let machine = try machine(["sys/kernel/mm/ksm/pages_sharing": "many\n"])
        let result = try Tool.run(["status", "--root", machine.path])
        #expect(result.status == 0)
        #expect(result.output.contains("Saved        unknown"))
        #expect(result.output.contains("Could not be read:\n- Failed to parse /sys/kernel/mm/ksm/pages_sharing"))
        #expect(try Tool.run(["show", "--root", machine.path]).status == 1)
    }

    @Test("A kernel without KSM: exit status 69", arguments: ["status", "show"])
    func noKSM(command: String) throws {
        let machine = try TemporaryDirectory(["proc/meminfo": "MemTotal: 1 kB\n", "sys/kernel/mm/x": ""])
        let result = try Tool.run([command, "--root", machine.path])
        #expect(result.status == 69)
        #expect((result.output + result.errors).contains("this kernel has no KSM"))
    }

    @Test("Status of a kernel without KSM is JSON all the same")
    func noKSMAsJSON() throws {
        let machine = try TemporaryDirectory(["proc/meminfo": "MemTotal: 1 kB\n"])
        let result = try Tool.run(["status", "--json", "--root", machine.path])
        #expect(result.status == 69)
        let json = try object(result.output)
        #expect(json["state"] as? String == "unavailable")
        #expect(json["saved_bytes"] is NSNull)
    }

    @Test("Show: all, one, and one that this kernel lacks")
    func show() throws {
        let machine = try machine()
        let all = try Tool.run(["show", "--root", machine.path])
        #expect(all.status == 0)
        #expect(all.output.contains("pages_sharing"))
        #expect(all.output.contains("smart_scan (6.7)"))
        let one = try Tool.run(["show", "pages_sharing", "--root", machine.path]).output
        #expect(one.contains("Value       900 pages\n"))
        #expect(one.contains("Old guides"))
        let absent = try Tool.run(["show", "smart_scan", "--root", machine.path])
        #expect(absent.status == 0)
        #expect(absent.output.contains("not on this kernel; came with 6.7"))
        let json = try object(try Tool.run(["show", "--json", "--root", machine.path]).output)
        #expect(json.count == 24)
        #expect((json["pages_sharing"] as? [String: Any])?["value"] as? Int == 900)
        #expect((json["smart_scan"] as? [String: Any])?["value"] is NSNull)
    }

    @Test("Config check: 0 without warnings, 1 with, 78 when the main file cannot be read")
    func configCheck() throws {
        let clean = try machine(["etc/ksmd/ksmd.conf": "[Tuner]\nInterval=30s\n"])
        let good = try Tool.run(["config", "check", "--root", clean.path])
        #expect(good.status == 0)
        #expect(good.output == "No warnings.\n")
        let wrong = try machine(["etc/ksmd/ksmd.conf": "[Tuner]\nInterval=soon\n"])
        let bad = try Tool.run(["config", "check", "--root", wrong.path])
        #expect(bad.status == 1)
        #expect(bad.output.hasPrefix("/etc/ksmd/ksmd.conf:2: Interval: "))
        #expect(bad.errors.isEmpty)
        let json = try object(try Tool.run(["config", "check", "--json", "--root", wrong.path]).output)
        let warning = try #require((json["warnings"] as? [[String: Any]])?.first)
        #expect(warning["line"] as? Int == 2)
        #expect(warning["key"] as? String == "Interval")
        let broken = try machine(["etc/ksmd/ksmd.conf/x": ""])
        for verb in ["check", "show"] {
            let result = try Tool.run(["config", verb, "--root", broken.path])
            #expect(result.status == 78)
            #expect(result.errors.contains("Failed to read /etc/ksmd/ksmd.conf: Is a directory"))
        }
        #expect(try Tool.run(["status", "--root", broken.path]).output.contains("the defaults are used"))
    }

    @Test("Config check of one file")
    func configCheckFile() throws {
        let directory = try TemporaryDirectory(["my.conf": "[Tuner]\nPolicy=magic\n"])
        let result = try Tool.run(["config", "check", directory.path + "/my.conf"])
        #expect(result.status == 1)
        #expect(result.output.contains("my.conf:2: Policy: "))
    }

    @Test("Config show: every value with its origin")
    func configShow() throws {
        let machine = try machine([
            "etc/ksmd/ksmd.conf": "[Tuner]\nInterval=30s\n",
            "etc/ksmtuned.conf": "KSM_NPAGES_BOOST=400\n",
        ])
        let result = try Tool.run(["config", "show", "--root", machine.path])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("[Tuner]\n"))
        let lines = result.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("Interval=30s ") && $0.hasSuffix(" /etc/ksmd/ksmd.conf:2") })
        #expect(lines.contains { $0.hasPrefix("OnStop=restore ") && $0.hasSuffix(" default") })
        #expect(lines.contains { $0.contains("=400 ") && $0.hasSuffix(" /etc/ksmtuned.conf:1") })
        let json = try object(try Tool.run(["config", "show", "--json", "--root", machine.path]).output)
        let settings = try #require(json["settings"] as? [[String: Any]])
        #expect(settings.count == lines.filter { $0.contains("=") }.count)
    }
}
