import Foundation
import KSMTestSupport
import Testing

@Suite("ksmctl and the state file of another version")
struct StateFilesTests {
    private func status(_ version: StateFiles.Version) throws -> [String: Any] {
        let text = try StateFiles.text("state.json", of: version)
        let machine = try TemporaryDirectory(RecordedMachine.files.merging(["run/ksmd/state.json": text]) { $1 })
        let result = try Tool.run(["status", "--json", "--root", machine.path])
        #expect(result.status == 0)
        return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    @Test("What both know is shown, with what a later one has added and without", arguments: ["0.1.0", "later"])
    func known(_ version: String) throws {
        let json = try status(try #require(StateFiles.Version(rawValue: version)))
        #expect(json["state"] as? String == "stopped")
        #expect(json["reason_code"] as? String == "enough-memory")
        #expect((json["unreadable"] as? [String])?.isEmpty == true)
        let daemon = try #require(json["daemon"] as? [String: Any])
        #expect(daemon["pid"] as? Int == 8125)
        #expect(daemon["found"] as? [String: String] == ["run": "1"])
    }

    @Test("A format that this ksmctl refuses is named, and the kernel's figures are shown")
    func incompatible() throws {
        let json = try status(.incompatible)
        let trouble = (json["unreadable"] as? [String])?.first
        #expect(trouble == "Failed to read /run/ksmd/state.json: its version is 2, this ksmctl knows 1")
        #expect((json["attributes"] as? [String: Any])?["pages_sharing"] as? Int == 900)
    }

    @Test("Every member that the release before has written is still written")
    func members() throws {
        let machine = FileManager.default.temporaryDirectory.appending(path: "ksmd-machine-\(UUID().uuidString)")
        let recorded = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Machines/01-four-guests-merged")
        try FileManager.default.copyItem(at: recorded, to: machine)
        defer { try? FileManager.default.removeItem(at: machine) }
        #expect(try Program.run("ksmd", ["--root=\(machine.path)", "--ticks=2"]).status == 0)
        let now = try String(contentsOf: machine.appending(path: "run/ksmd/state.json"), encoding: .utf8)
        let before = try members(StateFiles.text("state.json", of: .previous))
        #expect(before.count > 50)
        #expect(before.subtracting(try members(now)) == [])
    }

    /// The names of all members, with those they lie in, and whether they are text.
    private func members(_ text: String) throws -> Set<String> {
        var names: Set<String> = []
        func walk(_ value: Any, _ path: String) {
            if let object = value as? [String: Any] {
                for (key, value) in object { walk(value, "\(path).\(key)") }
            } else if let array = value as? [Any] {
                for value in array { walk(value, path) }
            } else {
                names.insert(value is String ? path + " text" : path)
            }
        }
        walk(try JSONSerialization.jsonObject(with: Data(text.utf8)), "")
        return names
    }
}
