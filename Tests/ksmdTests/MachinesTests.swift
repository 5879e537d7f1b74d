import Foundation
import KSMTestSupport
import Testing

/// A directory of `Tests/Machines`: a recorded machine with the expected outcome beside it.
private struct Machine: CustomTestStringConvertible {
    let directory: URL
    var testDescription: String { directory.lastPathComponent }

    static let all: [Machine] = {
        let machines = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Machines")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: machines.path)) ?? []
        return names.sorted().map { Machine(directory: machines.appending(path: $0)) }
    }()

    func expected(_ file: String) throws -> String {
        try String(contentsOf: directory.appending(path: "expected/\(file)"), encoding: .utf8)
    }
}

@Suite("Recorded machines: ksmd --root decides, writes and tells as expected")
struct MachinesTests {
    @Test("Two ticks", arguments: Machine.all)
    fileprivate func outcome(_ machine: Machine) throws {
        let copy = FileManager.default.temporaryDirectory.appending(path: "ksmd-machine-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: machine.directory, to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        let run = try Program.run("ksmd", ["--root=\(copy.path)", "--ticks=2", "--json"])
        #expect(run.status == 0)
        #expect(run.out == (try machine.expected("ticks.jsonl")))
        #expect(run.err == (try machine.expected("journal.txt")))
        for line in try machine.expected("settings.txt").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            let file = copy.appending(path: "sys/kernel/mm/ksm/\(parts[0])")
            #expect(try String(contentsOf: file, encoding: .utf8) == parts[1] + "\n")
        }
    }

    @Test("A dry run decides the same and changes no file", arguments: Machine.all)
    fileprivate func dryRun(_ machine: Machine) throws {
        let before = try digest(machine)
        let run = try Program.run("ksmd", ["--root=\(machine.directory.path)", "--ticks=1", "--json", "--dry-run"])
        #expect(run.status == 0)
        let first = try machine.expected("ticks.jsonl").split(separator: "\n")[0]
        #expect(run.out == first + "\n")
        #expect(try digest(machine) == before)
        #expect(!FileManager.default.fileExists(atPath: machine.directory.appending(path: "run/ksmd").path))
    }

    /// Name and content of every file.
    private func digest(_ machine: Machine) throws -> String {
        try Program.run("/bin/sh", ["-c", "cd \"$0\" && find . -type f | sort | xargs cksum", machine.directory.path])
            .out
    }

    @Test("There are recorded machines")
    func some() {
        #expect(Machine.all.count >= 7)
    }
}
