import Foundation
import Testing

@Suite("ksmctl config import")
struct ImportTests {
    private static let dropIn = "etc/ksmd/ksmd.conf.d/50-ksmtuned.conf"
    private static let recorded = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Machines/05-old-configuration").path
    private static let missed =
        "Debian's ksmtuned did not count any of the 4 guests that run now (demo1, demo2, demo3, demo4): "

    private func run(_ directory: String, _ more: [String] = []) throws -> Tool.Result {
        try Tool.run(["config", "import", "--root", directory] + more)
    }

    private func permissions(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("alone it prints the drop-in, says the rest on standard error, and writes nothing")
    func prints() throws {
        let machine = try TemporaryDirectory()
        let copy = machine.path + "/machine"
        try FileManager.default.copyItem(atPath: Self.recorded, toPath: copy)
        let result = try run(copy)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("# Made by `ksmctl config import`"))
        #expect(result.output.contains("\n[Tuner]\n# The rule of ksmtuned.\nPolicy=classic\n"))
        #expect(result.output.contains("\n# /etc/ksmtuned.conf:4: KSM_NPAGES_BOOST=2000\nBoostPages=2000\n"))
        #expect(result.output.contains(#"# Not kept:\#n# /etc/ksmtuned.conf:8: KSM_THRES_COEF: "12.5""#))
        let complaints = result.errors.split(separator: "\n")
        #expect(complaints.count == 3)
        #expect(complaints.first?.hasPrefix("ksmctl: " + Self.missed) == true)
        #expect(complaints[1].hasPrefix(#"ksmctl: not kept: /etc/ksmtuned.conf:8: KSM_THRES_COEF: "12.5" is not"#))
        #expect(complaints[2].hasPrefix("ksmctl: not kept: /etc/ksmtuned.conf:9: KSM_NAGES_MAX: unknown key"))
        #expect(!FileManager.default.fileExists(atPath: copy + "/etc/ksmd"))
    }

    @Test("--write writes what it would print, for everybody to read, and says what it kept")
    func writes() throws {
        let machine = try TemporaryDirectory()
        let copy = machine.path + "/machine"
        try FileManager.default.copyItem(atPath: Self.recorded, toPath: copy)
        let printed = try run(copy).output
        let before = try Tool.run(["config", "show", "--root", copy]).output
        let result = try Tool.run(
            ["config", "import", "--write", "--root", copy],
            prefix: ["sh", "-c", "umask 077; exec \"$@\"", "sh"]
        )
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines[0].hasPrefix("Wrote /etc/ksmd/ksmd.conf.d/50-ksmtuned.conf, which beats the old files"))
        #expect(
            lines[1].hasPrefix("Kept from /etc/ksmtuned.conf: KSM_MONITOR_INTERVAL=60 (Interval=1min), KSM_NPAGES_B")
        )
        #expect(lines[2] == "The rule stays that of ksmtuned (Policy=classic).")
        #expect(lines[3].hasPrefix(Self.missed))
        #expect(lines.count == 4)
        #expect(result.errors.split(separator: "\n").count == 2)
        #expect(machine.read("machine/" + Self.dropIn) == printed)
        #expect(try permissions("\(copy)/\(Self.dropIn)") == 0o644)
        #expect(try permissions("\(copy)/etc/ksmd/ksmd.conf.d") == 0o755)
        #expect(try permissions("\(copy)/etc/ksmd") == 0o755)
        #expect(machine.files().filter { $0.contains("etc/ksmd") } == ["machine/" + Self.dropIn])
        // The same values, from another file.
        let after = try Tool.run(["config", "show", "--root", copy]).output
        #expect(values(after) == values(before))
        #expect(after.contains("/etc/ksmd/ksmd.conf.d/50-ksmtuned.conf:7"))
    }

    private func values(_ shown: String) -> [Substring] {
        shown.split(separator: "\n").map { $0.prefix { $0 != " " } }
    }

    @Test(
        "a drop-in that is there is left alone, were it empty or a link that leads nowhere",
        arguments: [false, true]
    )
    func exists(_ isLink: Bool) throws {
        let machine = try TemporaryDirectory(["etc/ksmtuned.conf": "KSM_THRES_COEF=30\n", "etc/ksmd/ksmd.conf.d/x": ""])
        let path = machine.path + "/" + Self.dropIn
        if isLink {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere")
        } else {
            try machine.write(Self.dropIn, "")
        }
        let result = try run(machine.path, ["--write"])
        #expect(result.status == 0)
        #expect(result.output == "/\(Self.dropIn) is there already; nothing was changed.\n")
        #expect(result.errors.isEmpty)
        #expect(machine.read(Self.dropIn) == (isLink ? nil : ""))
        #expect(machine.files().filter { $0.hasSuffix(".new") } == [])
    }

    @Test("without an old file there is nothing to do", arguments: [[], ["--write"]])
    func nothing(_ more: [String]) throws {
        let machine = try TemporaryDirectory(RecordedMachine.files)
        let result = try run(machine.path, more)
        #expect(result.status == 0)
        #expect(
            result.output
                == "There is nothing to import: there is no /etc/ksmtuned.conf, no /etc/default/ksm and no"
                + " /etc/sysconfig/ksm.\n"
        )
        #expect(result.errors.isEmpty)
        #expect(machine.files().filter { $0.hasPrefix("etc") } == [])
    }

    @Test(
        "Debian's shipped files, all commented out, keep the rule",
        arguments: ["etc/ksmtuned.conf", "etc/default/ksm"]
    )
    func shipped(_ name: String) throws {
        let machine = try TemporaryDirectory([name: "# KSM_MONITOR_INTERVAL=60\n"])
        let result = try run(machine.path, ["--write"])
        #expect(result.status == 0)
        #expect(
            result.output.hasSuffix("\n/\(name) sets nothing.\nThe rule stays that of ksmtuned (Policy=classic).\n")
        )
        let assignments = machine.read(Self.dropIn)?.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(assignments == ["[Tuner]", "Policy=classic"])
    }

    @Test("an old file that cannot be read ends it: nothing is imported by halves")
    func unreadable() throws {
        let machine = try TemporaryDirectory(["etc/ksmtuned.conf": "DEBUG=1\n", "etc/default/ksm/x": ""])
        let result = try run(machine.path, ["--write"])
        #expect(result.status == 1)
        #expect(result.errors == "ksmctl: Failed to read /etc/default/ksm: Is a directory\n")
        #expect(result.output.isEmpty)
        #expect(machine.read(Self.dropIn) == nil)
    }

    @Test(
        "who may not write is told so: status 77",
        .enabled(if: Tool.canBeNobody, "this process cannot become nobody")
    )
    func forbidden() throws {
        let machine = try TemporaryDirectory(["etc/ksmtuned.conf": "DEBUG=1\n"])
        let result = try Tool.run(["config", "import", "--write", "--root", machine.path], prefix: Tool.nobody)
        #expect(result.status == 77)
        #expect(result.errors.contains("Permission denied (run it as root)"))
        #expect(result.output.isEmpty)
    }

    @Test("as JSON: what was done, the drop-in, and what is in it")
    func json() throws {
        let result = try run(Self.recorded, ["--json"])
        #expect(result.errors.isEmpty)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        )
        #expect(object["outcome"] as? String == "printed")
        #expect((object["text"] as? String)?.contains("BoostPages=2000\n") == true)
        let kept = try #require(object["kept"] as? [[String: Any]])
        #expect(kept.count == 6)
        #expect(kept[1]["old"] as? String == "KSM_NPAGES_BOOST=2000")
        #expect(kept[1]["origin"] as? String == "/etc/ksmtuned.conf:4")
        #expect((object["not_kept"] as? [String])?.count == 2)
        #expect(object["guests"] as? Int == 4)
        #expect(object["not_counted"] as? [String] == ["demo1", "demo2", "demo3", "demo4"])
    }
}
