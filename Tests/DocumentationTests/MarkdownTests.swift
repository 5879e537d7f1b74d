import KSMModel
import KSMPolicy
import KSMTuner
import Testing

@Suite("docs/architecture.md")
struct ArchitectureDocumentTests {
    @Test("names every file under Sources in its room, and no file that is not there")
    func everyFile() throws {
        var room = ""
        var named: [String] = []
        for line in try Repository.lines("docs/architecture.md") {
            if line.hasPrefix("#") {
                room = String(line.drop { $0 == "#" || $0 == " " }.prefix { $0 != ":" })
            } else if let cell = Repository.tableRows([line]).first?.first, cell.contains("."), !cell.contains(" ") {
                named.append(room == "C" ? cell : "\(room)/\(cell)")
            }
        }
        let files = Repository.files(below: "Sources")
        #expect(files.count > 50)
        #expect(files.subtracting(named).sorted() == [], "not in docs/architecture.md")
        #expect(Set(named).subtracting(files).sorted() == [], "not under Sources")
        #expect(Set(named).count == named.count, "named twice")
    }

    @Test("says of every directory of Tests what is in it")
    func everyTest() throws {
        let lines = try Repository.lines("docs/architecture.md").drop { $0 != "## What is tested where" }
        let text = Repository.tableRows(lines).map { $0.joined(separator: " ") }.joined(separator: "\n")
        for name in try Repository.names("Tests") {
            #expect(ManualPage.mentions(text, name), "\(name) is missing")
        }
    }
}

@Suite("docs/policy.md")
struct PolicyDocumentTests {
    @Test("its example is what the policy does")
    func example() throws {
        let lines = try Repository.lines("docs/policy.md").drop { $0 != "## An example" }
        let rows = Repository.tableRows(lines.dropFirst().prefix { !$0.hasPrefix("## ") }).dropFirst()
        #expect(rows.count == 9)
        var policy = ClassicPolicy(ClassicParameters())
        for row in rows {
            let decision = policy.step(try Self.sample(committed: row[1], free: row[2]))
            #expect("\(policy.npages)" == row[4], "tick \(row[0])")
            for write in row[5].split(separator: ",").map({ $0.split(separator: " ") }) {
                #expect(
                    decision.writes.contains { $0.attribute.name == write[0] && $0.value == write[1] },
                    "tick \(row[0])"
                )
            }
            #expect((decision.wanted(.run) == "0") == row[3].hasSuffix("enough"), "tick \(row[0])")
        }
    }

    private static func sample(committed: String, free: String) throws -> Sample {
        func kib(_ text: String) throws -> UInt64 {
            UInt64(try #require(Double(text.split(separator: " ")[0])) * 1024 * 1024)
        }
        var sample = Sample(monotonicNanoseconds: 0, pageSize: 4096)
        sample.memory.memTotalKiB = 16 << 20
        sample.memory.memFreeKiB = try kib(free)
        sample.memory.buffersKiB = 0
        sample.memory.cachedKiB = 0
        sample.guests = [Guest(pid: 1, startTicks: 1, name: "a", rssKiB: try kib(committed))]
        return sample
    }

    @Test("has every defect of the script that is not reproduced", arguments: [1, 2, 4, 5, 6, 7, 8, 9, 10])
    func defects(_ number: Int) throws {
        let id = number < 10 ? "B0\(number)" : "B\(number)"
        #expect(Repository.tableRows(try Repository.lines("docs/policy.md")).filter { $0[0] == id }.count == 1)
    }
}

@Suite("docs/operations.md, README.md, NEWS.md")
struct ReadmeTests {
    @Test("the README names the two commands, and they are there", arguments: ["run", "test"])
    func commands(_ name: String) throws {
        #expect(try Repository.text("README.md").contains("```sh\n./\(name)\n```"))
        #expect(Repository.isExecutable(name))
    }

    @Test("the troubleshooting goes by every exit status of ksmd but success")
    func exitStatuses() throws {
        let rows = Repository.tableRows(try Repository.lines("docs/operations.md"))
        for status in [
            ExitStatus.failure, ExitStatus.usage, ExitStatus.unavailable, ExitStatus.noPermission,
            ExitStatus.configuration,
        ] {
            #expect(rows.contains { $0[0] == "\(status)" }, "\(status) is missing")
        }
    }

    @Test("NEWS begins with this version")
    func news() throws {
        let headings = try Repository.lines("NEWS.md").filter { $0.hasPrefix("## ") }
        #expect(headings.first == "## CHANGES WITH \(Daemon.version)")
    }

    @Test("every link leads to a file", arguments: Repository.markdown)
    func links(_ path: String) throws {
        let directory = path.split(separator: "/").dropLast().map { $0 + "/" }.joined()
        let parts = try Repository.text(path).split(separator: "](").dropFirst()
        for target in parts.map({ $0.prefix { $0 != ")" && $0 != "#" } }) where !target.contains(":") && !target.isEmpty
        {
            #expect(Repository.exists(directory + target), "\(target)")
        }
    }
}
