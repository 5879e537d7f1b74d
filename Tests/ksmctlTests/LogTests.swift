import Foundation
import KSMTestSupport
import Testing

private typealias Entry = RecordedJournal.Entry

/// Ids of `MessageID`: what other programs select by.
private let decision = "321ba6da04bf407e89aad612fceabfc0"
private let summary = "99f98bcda2e149b5a4212e4592e07c27"
private let held = "3fecc7c6fde04338bc93288bf28f2d83"

private func entry(
    _ seconds: Double,
    _ id: String,
    _ message: String,
    host: String = "alpha",
    _ more: [(String, String)] = []
)
    -> Entry
{
    Entry(seconds, host: host, [("MESSAGE_ID", id), ("MESSAGE", message), ("PRIORITY", "6")] + more)
}

@Suite(
    "ksmctl log",
    .enabled("systemd-journal-remote is not installed") { RecordedJournal.canRun }
)
struct LogTests {
    private func journal() throws -> RecordedJournal {
        try RecordedJournal([
            entry(0, decision, "one", [("KSM_NODE", "1"), ("KSM_GUEST", "web")]),
            entry(60, held, "two"),
            Entry(90, [("MESSAGE", "of another program")]),
            entry(120, decision, "three\nlines\u{1b}", [("KSM_NODE", "0"), ("KSM_GUEST", "web")]),
            entry(3600, summary, "four", [("KSM_NODE", "1"), ("KSM_GUEST", "mail")]),
        ])
    }

    private func log(_ journal: RecordedJournal, _ arguments: [String], zone: String = "UTC") throws -> Tool.Result {
        try Tool.run(["log", "-D", journal.directory.path] + arguments, prefix: ["env", "TZ=\(zone)"])
    }

    @Test("prints a line for each entry, in local time")
    func lines() throws {
        let result = try log(journal(), [], zone: "CET-1")
        #expect(result.errors == "" && result.status == 0)
        let kinds = ["decision", "held", "decision", "summary"].map {
            $0.padding(toLength: 21, withPad: " ", startingAt: 0)
        }
        #expect(
            result.output == """
                2026-11-28 06:00:00  \(kinds[0])  one
                2026-11-28 06:01:00  \(kinds[1])  two
                2026-11-28 06:02:00  \(kinds[2])  three?lines?
                2026-11-28 07:00:00  \(kinds[3])  four

                """
        )
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var arguments: [String]
        var wanted: [String]
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let rows = [
        Row(arguments: ["--guest", "web"], wanted: ["one", "three?lines?"]),
        Row(arguments: ["--node", "1"], wanted: ["one", "four"]),
        Row(arguments: ["--kind", "held,summary"], wanted: ["two", "four"]),
        Row(arguments: ["--kind", "held", "--kind=decision"], wanted: ["one", "two", "three?lines?"]),
        Row(arguments: ["--host", "alpha", "--kind", "held"], wanted: ["two"]),
        Row(arguments: ["--host", "beta"], wanted: []),
        Row(arguments: ["--since", "2026-11-28 05:01"], wanted: ["two", "three?lines?", "four"]),
        Row(arguments: ["--until", "2026-11-28 05:01"], wanted: ["one", "two"]),
        Row(arguments: ["--since", "@1795842001", "--until=2026-11-28T05:02:00Z"], wanted: ["two", "three?lines?"]),
        Row(arguments: ["--since", "2026-11-29"], wanted: []),
        Row(arguments: ["-n", "2"], wanted: ["three?lines?", "four"]),
        Row(arguments: ["-n", "0"], wanted: []),
        Row(arguments: ["--lines", "99"], wanted: ["one", "two", "three?lines?", "four"]),
        Row(arguments: ["-n", "2", "--until", "2026-11-28 05:02"], wanted: ["two", "three?lines?"]),
        Row(
            arguments: ["-n", "9", "--since", "2026-11-28 05:01", "--until", "2026-11-28 05:03"],
            wanted: ["two", "three?lines?"]
        ),
        Row(arguments: ["-n", "9", "--since", "2026-11-28 05:30", "--until", "2026-11-28 05:40"], wanted: []),
        Row(arguments: ["-r"], wanted: ["four", "three?lines?", "two", "one"]),
        Row(arguments: ["-r", "-n", "1", "--until", "2026-11-28 05:01:30"], wanted: ["two"]),
        Row(arguments: ["--reverse", "--since", "2026-11-28 05:02"], wanted: ["four", "three?lines?"]),
    ]

    @Test("selects", arguments: rows)
    func selection(_ row: Row) throws {
        let result = try log(journal(), row.arguments)
        #expect(result.errors == "" && result.status == 0)
        #expect(result.output.split(separator: "\n").map { String($0.split(separator: " ").last ?? "") } == row.wanted)
    }

    @Test("names the hosts where there are several")
    func hosts() throws {
        let journal = try RecordedJournal([entry(0, held, "a"), entry(1, held, "b", host: "beta")])
        let words = try log(journal, ["--kind", "held"]).output.split(separator: "\n").map { $0.dropFirst(21) }
        #expect(words == ["alpha  held  a", "beta   held  b"])
        let one = try log(journal, ["--kind", "held", "--host", "beta"]).output
        #expect(one == "2026-11-28 05:00:01  held  b\n")
    }

    @Test("prints JSON, one object a line")
    func json() throws {
        let lines = try log(journal(), ["--json", "--guest", "web"]).output.split(separator: "\n")
        try #require(lines.count == 2)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any])
        #expect(object["time"] as? String == "2026-11-28T05:02:00.000000Z")
        #expect(object["realtime_usec"] as? Int == 1_795_842_120_000_000)
        #expect(object["host"] as? String == "alpha" && object["kind"] as? String == "decision")
        #expect(object["message_id"] as? String == decision && object["priority"] as? Int == 6)
        #expect(object["message"] as? String == "three\nlines\u{1b}")
        #expect(object["KSM_NODE"] as? String == "0" && object["KSM_GUEST"] as? String == "web")
        #expect(object.count == 9)
    }

    @Test("reads files, one or several")
    func files() throws {
        let (first, second) = try (journal(), RecordedJournal([entry(30, held, "between")]))
        let words = ["log", "--kind", "held,decision", "--file", first.file.path, "--file", second.file.path]
        let messages = try Tool.run(words).output.split(separator: "\n").map { $0.split(separator: " ").last }
        #expect(messages == ["one", "between", "two", "three?lines?"])
    }

    static let misuses: [([String], Int32, String)] = [
        (
            ["--kind", "desicion"], 2,
            "'desicion' is no kind of entry; did you mean 'decision'? (started, stopped, decision,"
        ),
        (["--kind", "held,"], 2, "'' is no kind of entry (started,"),
        (["--since", "soon"], 2, "--since: 'soon' is no point of time: expected a date"),
        (["--since", "-5"], 0, ""),
        (["--until", "2026-13-01"], 2, "expected a month from 1 to 12 at '13-01'"),
        (["--since", "today", "--until", "yesterday"], 2, "'--since' is after '--until'"),
        (["--node", "-1"], 2, "'--node"),
        (["--node", "all"], 2, "'all' is invalid"),
        (["-n", "many"], 2, "'many' is invalid"),
        (["--file", "/etc/passwd"], 2, "'--directory' and '--file'"),
        (["-f", "-r"], 2, "'--follow' and '--reverse'"),
        (["-f", "--until", "now"], 2, "'--follow' and '--until'"),
    ]

    @Test("says of every misuse what is wrong", arguments: misuses)
    func misuse(_ arguments: [String], _ status: Int32, _ errors: String) throws {
        let result = try log(journal(), arguments)
        #expect(result.status == status && result.output == "")
        #expect(errors.isEmpty ? result.errors.isEmpty : result.errors.contains(errors))
        #expect(result.errors.split(separator: "\n").count <= 1)
    }

    /// The clocks there show another day than UTC's, at any hour.
    private func zoneOnAnotherDay(_ now: Date) -> (name: String, clock: Calendar) {
        let isMorning = Int(now.timeIntervalSince1970) % 86_400 < 43_200
        var clock = Calendar(identifier: .gregorian)
        clock.timeZone = TimeZone(secondsFromGMT: isMorning ? -43_200 : 43_200) ?? .gmt
        return (isMorning ? "WEST+12" : "EAST-12", clock)
    }

    @Test("takes times and days as this zone's clocks show them, before it looks at the journal too")
    func localRange() throws {
        let now = Date()
        let (zone, clock) = zoneOnAnotherDay(now)
        let format = DateFormatter()
        (format.calendar, format.timeZone, format.dateFormat) = (clock, clock.timeZone, "yyyy-MM-dd HH:mm:ss")
        let (earlier, later) = (format.string(from: now - 3600), format.string(from: now + 3600))
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][clock.component(.weekday, from: now) - 1]
        for arguments in [["--since", earlier, "--until", "now"], ["--since", "now", "--until", later]]
            + [["--since", "\(day) 00:30"]]
        {
            let result = try log(journal(), arguments, zone: zone)
            #expect(result.errors == "" && result.status == 0, "\(zone) \(arguments)")
        }
        let reversed = try log(journal(), ["--since", later, "--until", "now"], zone: zone)
        #expect(reversed.status == 2 && reversed.errors.contains("'--since' is after '--until'"))
    }

    @Test("prints a field that is there more than once as an array, and as text where it is there once")
    func repeated() throws {
        let guests = [("KSM_GUEST", "web"), ("KSM_GUEST", "mail"), ("KSM_NODE", "1"), ("KSM_GUEST", "db")]
        let journal = try RecordedJournal([entry(0, decision, "three came", guests)])
        let result = try log(journal, ["--json", "--guest", "mail"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect((object["KSM_GUEST"] as? [String])?.sorted() == ["db", "mail", "web"])
        #expect(object["KSM_NODE"] as? String == "1" && object.count == 9)
        #expect(try log(journal, []).output.hasSuffix("  three came\n"))
    }

    @Test("says that there is no journal, or why it cannot be read")
    func noJournal() throws {
        let directory = try TemporaryDirectory(["notes.txt": "no journal", "empty.journal": ""])
        let empty = directory.path + "/empty.journal"
        let journal = try journal()
        let full = journal.file.path
        let rows = [
            (["-D", directory.path + "/."], "There is no journal in \(directory.path)/."),
            (["-D", "/nowhere"], "Failed to open the journal in /nowhere: No such file or directory"),
            (["-D", "/etc/passwd"], "Failed to open the journal in /etc/passwd: Not a directory"),
            (["--file", empty], "There is no journal in \(empty)"),
            (["--file", full, "--file", empty], "There is no journal in one of \(full), \(empty)"),
            (["--file", "/etc/passwd"], "Failed to open the journal of /etc/passwd: Bad message"),
        ]
        for (arguments, errors) in rows {
            let result = try Tool.run(["log"] + arguments)
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.hasPrefix("ksmctl: \(errors)"))
        }
    }

    @Test("says that root may read it", .enabled("needs root, to be somebody else") { Tool.canBeNobody })
    func forbidden() throws {
        let journal = try journal()
        chmod(journal.directory.path, 0o700)
        let result = try Tool.run(["log", "-D", journal.directory.path], prefix: Tool.nobody)
        #expect(result.status == 1)
        #expect(result.errors.hasSuffix("Permission denied (run it as root)\n"))
    }

    @Test("ends quietly when nobody reads any more", arguments: [[], ["--follow", "-n", "99"], ["--json"]])
    func nobodyReads(_ arguments: [String]) throws {
        let journal = try RecordedJournal(
            (0..<3000).map { entry(Double($0), held, String(repeating: "long ", count: 40)) }
        )
        let words = (["log", "-D", journal.directory.path] + arguments).joined(separator: " ")
        let script = "set -o pipefail; \(Tool.ksmctl) \(words) | head -n 1"
        let result = try Tool.runProgram(["timeout", "20", "bash", "-c", script])
        #expect(result.status == 0 && result.errors == "")
        #expect(result.output.split(separator: "\n").count == 1)
    }

    @Test("follows: shows the last entries, then new ones, and ends by ^C without a word")
    func follow() throws {
        let journal = try RecordedJournal((0..<15).map { entry(Double($0), held, "old\($0)") })
        let program = try Program(Tool.ksmctl, ["log", "-f", "-D", journal.directory.path])
        func messages() -> [String] {
            program.standardOutput.split(separator: "\n").map { String($0.split(separator: " ").last ?? "") }
        }
        let old = (5..<15).map { "old\($0)" }
        #expect(eventually { messages() == old })
        try journal.append([entry(20, held, "new1")])
        #expect(eventually { messages() == old + ["new1"] })
        try journal.append([Entry(21, [("MESSAGE", "other")]), entry(22, held, "new2")])
        #expect(eventually { messages() == old + ["new1", "new2"] })
        program.send(SIGINT)
        #expect(program.wait() == -SIGINT)
        #expect(program.standardError == "")
    }

    @Test("follows what is empty so far")
    func followFromNothing() throws {
        let journal = try RecordedJournal([Entry(0, [("MESSAGE", "of another program")])])
        let program = try Program(Tool.ksmctl, ["log", "-f", "-D", journal.directory.path])
        try journal.append([entry(20, held, "first")])
        #expect(eventually { program.standardOutput.hasSuffix("  first\n") })
    }
}
