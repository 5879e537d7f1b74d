import Foundation
import KSMTestSupport
import Testing

/// A day of 10,000 decisions, each with the fields that ksmd's entries have.
@Suite(
    "ksmctl log reads a day of 10,000 decisions",
    .enabled("systemd-journal-remote is not installed") { RecordedJournal.canRun },
    .serialized
)
struct LogSpeedTests {
    private let journal: RecordedJournal

    init() throws {
        journal = try RecordedJournal((0..<10_000).map(LogSpeedTests.entry))
    }

    private static func entry(_ number: Int) -> RecordedJournal.Entry {
        let ids = ["321ba6da04bf407e89aad612fceabfc0", "ee6c148f6c274932b1b92e0857c1bd94"]
        let message = "\(number) MiB are free, below the threshold of 4.7 GiB: scanning \(number) pages per batch"
        let fields = [("MESSAGE_ID", ids[number % 2]), ("MESSAGE", message), ("PRIORITY", "6")]
        let ours = (0..<30).map { ("KSM_FIELD\($0)", "\(number * 30 + $0)") }
        let place = [("KSM_GUEST", "guest\(number % 50)"), ("KSM_NODE", "\(number % 4)")]
        return .init(Double(number) * 8.64, host: number % 2 == 0 ? "alpha" : "beta", fields + place + ours)
    }

    /// A release build takes 0.2 s of CPU at most, for JSON; a debug build is ten times as slow.
    private static let limit: Duration = .seconds(15)

    private static let filters: [([String], Int)] = [
        ([], 10_000), (["--kind", "decision"], 5000), (["--guest", "guest7"], 200), (["--node", "3"], 2500),
        (["--host", "alpha"], 5000), (["--since", "2026-11-28T17:00:00Z"], 5000), (["-r"], 10_000),
        (["--until", "2026-11-28T16:59:59Z"], 5000), (["-n", "100"], 100), (["--json"], 10_000),
    ]

    @Test("in little time with any filter")
    func time() throws {
        for (arguments, count) in LogSpeedTests.filters {
            let clock = ContinuousClock()
            let start = clock.now
            let result = try Tool.run(["log", "-D", journal.directory.path] + arguments)
            #expect(clock.now - start < LogSpeedTests.limit, "\(arguments)")
            #expect(result.output.utf8.count { $0 == UInt8(ascii: "\n") } == count, "\(arguments)")
        }
    }

    /// The file itself is mapped, page by page, which the kernel can take back.
    @Test("with little memory of its own")
    func memory() throws {
        let words = ["log", "--json", "-f", "--since", "@0", "-D", journal.directory.path]
        let program = try Program(Tool.ksmctl, words)
        #expect(eventually(30) { program.standardOutput.contains(#""message":"9999 MiB"#) })
        let status = try String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
        let kib = try #require(line.split { $0 == " " || $0 == "\t" }.compactMap { Int($0) }.first)
        #expect(kib < 12_000)
    }
}
