import Foundation
import KSMConfiguration
import KSMLog
import KSMModel
import Testing

/// 28 November 2026 is a Saturday.
private let now: UInt64 = 1_795_842_600_250_000  // 2026-11-28 05:10:00.25 UTC

private func second(_ text: String) -> UInt64 { CivilTimeTests.civil(text).realtimeSeconds ?? 0 }

/// Central Europe: an hour ahead, two from the last Sunday of March to that of October.
private let berlin = LocalZone { seconds in
    (second("2026-03-29 01:00:00")..<second("2026-10-25 01:00:00")).contains(seconds) ? 7200 : 3600
}
private let newYork = LocalZone { _ in -5 * 3600 }

@Suite("Points of time")
struct TimePointTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var text: String
        var wanted: String
        var zone = LocalZone.utc
        var testDescription: String { text }
    }

    static let rows = [
        Row(text: "now", wanted: "2026-11-28 05:10:00.250000"),
        Row(text: "today", wanted: "2026-11-28 00:00:00"),
        Row(text: " yesterday ", wanted: "2026-11-27 00:00:00"),
        Row(text: "tomorrow", wanted: "2026-11-29 00:00:00"),
        Row(text: "today UTC", wanted: "2026-11-28 00:00:00", zone: berlin),
        Row(text: "+2h", wanted: "2026-11-28 07:10:00.250000"),
        Row(text: "-30min", wanted: "2026-11-28 04:40:00.250000"),
        Row(text: "-1h 30min", wanted: "2026-11-28 03:40:00.250000"),
        Row(text: "2h ago", wanted: "2026-11-28 03:10:00.250000"),
        Row(text: "90 ago", wanted: "2026-11-28 05:08:30.250000"),
        Row(text: "1d left", wanted: "2026-11-29 05:10:00.250000"),
        Row(text: "1month ago", wanted: "2026-10-28 18:40:00.250000"),
        Row(text: "100years ago", wanted: "1970-01-01 00:00:00"),
        Row(text: "@0", wanted: "1970-01-01 00:00:00"),
        Row(text: "@1795842600.5", wanted: "2026-11-28 05:10:00.500000"),
        Row(text: "2026-02-28", wanted: "2026-02-28 00:00:00"),
        Row(text: "2024-02-29 23:59", wanted: "2024-02-29 23:59:00"),
        Row(text: "2026-1-2 3:04:05", wanted: "2026-01-02 03:04:05"),
        Row(text: "05:10:59.5", wanted: "2026-11-28 05:10:59.500000"),
        Row(text: "5:10", wanted: "2026-11-28 05:10:00"),
        Row(text: "Sat 2026-11-28 05:10", wanted: "2026-11-28 05:10:00"),
        Row(text: "saturday 2026-11-28", wanted: "2026-11-28 00:00:00"),
        Row(text: "Sat 05:10", wanted: "2026-11-28 05:10:00"),
        Row(text: "2026-11-28 05:10 utc", wanted: "2026-11-28 05:10:00", zone: berlin),
        Row(text: "2026-11-28T05:10:00.123456Z", wanted: "2026-11-28 05:10:00.123456", zone: berlin),
        Row(text: "9999-12-31 23:59:59", wanted: "9999-12-31 23:59:59"),
        // Local time.
        Row(text: "2026-11-28 05:10", wanted: "2026-11-28 04:10:00", zone: berlin),
        Row(text: "2026-07-01 05:10", wanted: "2026-07-01 03:10:00", zone: berlin),
        Row(text: "today", wanted: "2026-11-28 05:00:00", zone: newYork),
        Row(text: "yesterday", wanted: "2026-11-27 05:00:00", zone: newYork),
        Row(text: "23:00", wanted: "2026-11-28 22:00:00", zone: berlin),
        // Clocks go from 02:00 to 03:00, and in autumn from 03:00 to 02:00.
        Row(text: "2026-03-29 01:59:59", wanted: "2026-03-29 00:59:59", zone: berlin),
        Row(text: "2026-03-29 02:30", wanted: "2026-03-29 01:30:00", zone: berlin),
        Row(text: "2026-03-29 03:00", wanted: "2026-03-29 01:00:00", zone: berlin),
        Row(text: "2026-10-25 02:30", wanted: "2026-10-25 00:30:00", zone: berlin),
        Row(text: "2026-10-25 03:00", wanted: "2026-10-25 02:00:00", zone: berlin),
    ]

    @Test("is what systemd.time(7) says", arguments: rows)
    func row(_ row: Row) throws {
        let result = try TimePoint.parse(row.text, now: now, zone: row.zone)
        #expect(CivilTimeTests.text(microseconds: result) == row.wanted)
    }

    static let errors: [(String, String)] = [
        ("", "'' is no point of time: expected a date such as 2026-11-28, a time such as 05:10, a word such as today"),
        ("soon", "expected a date such as 2026-11-28"),
        ("2026-13-01", "expected a month from 1 to 12 at '13-01'"),
        ("2026-00-01", "expected a month from 1 to 12 at '00-01'"),
        ("2026-02-29", "expected a day from 1 to 28 at '29'"),
        ("2026-11", "expected - and the day at the end"),
        ("2026-11-28 24:00", "expected an hour from 0 to 23 at '24:00'"),
        ("12:60", "expected a minute from 0 to 59 at '60'"),
        ("12:00:61", "expected a second from 0 to 59 at '61'"),
        ("12:00:00.", "expected digits at the end"),
        ("2026-11-28 noon", "expected a time such as 05:10 at 'noon'"),
        ("2026-11-28x", "expected a time such as 05:10, or the end at 'x'"),
        ("12:00 CET", "expected the end at ' CET'"),
        ("26-11-28", "expected a year of four digits"),
        ("Mon 2026-11-28", "expected Saturday, which that day is, not Monday"),
        ("+", "expected a time span such as 2h or 1h 30min at the end"),
        ("+2 fortnights", "expected a time span such as 2h or 1h 30min at '2 fortnights'"),
        (" ago", "expected a date such as"),
        ("+99999999999999999999y", "expected a shorter time span"),
        ("+9000y", "expected a time before the year 10000"),
        ("@", "expected seconds since 1970"),
        ("@5min", "expected seconds since 1970"),
        ("@999999999999", "expected a time before the year 10000"),
        ("1969-12-31", "expected a time since 1970"),
        ("\u{1b}[31m", "'?[31m' is no point of time"),
    ]

    @Test("else it is an error with the place and what was expected", arguments: errors)
    func error(_ text: String, _ wanted: String) {
        let error = #expect(throws: TimePointError.self) {
            _ = try TimePoint.parse(text, now: now, zone: .utc)
        }
        let description = error?.description ?? ""
        #expect(description.contains(wanted))
    }

    @Test(
        "is what systemd-analyze makes of it",
        .enabled("systemd-analyze is not installed") { SystemdAnalyze.isInstalled },
        arguments: [
            "2026-11-28", "2026-11-28 05:10", "2026-11-28 05:10:59", "2026-11-28 05:10:59.25", "2024-02-29 23:59",
            "Sat 2026-11-28 05:10", "Saturday 2026-11-28", "2026-11-28 05:10 UTC", "2026-07-01 00:00 UTC", "@0",
            "@1795842600",
            "2000-01-01", "2100-03-01 12:00", "1970-01-01 UTC", "1970-01-02", "today", "yesterday", "tomorrow",
            "2026-1-2 3:04", "Mon 2026-11-28", "2026-13-01", "26:00", "12:60", "soon", "Sat2026-11-28", "2026-11",
            "+2 fortnights", "2026-11-28 05:10 utc",
        ]
    )
    func systemd(_ text: String) throws {
        let today = UInt64(Date().timeIntervalSince1970) * 1_000_000
        let ours = try? TimePoint.parse(text, now: today, zone: .utc)
        #expect(ours.map { $0 / 1_000_000 } == (try SystemdAnalyze.seconds(text)))
    }
}

/// `systemd-analyze timestamp` in UTC.
private enum SystemdAnalyze {
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") }

    /// `nil` where it refuses.
    static func seconds(_ text: String) throws -> UInt64? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-analyze")
        process.arguments = ["timestamp", "--", text]
        process.environment = ["TZ": "UTC", "LC_ALL": "C"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(
            separator: "\n"
        )
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        let line = try #require(lines.first { $0.contains("UNIX seconds: @") })
        return UInt64(line.split(separator: "@")[1].prefix { $0.isNumber })
    }
}

@Suite("Time spans")
struct TimeSpanTests {
    @Test(
        "are those of systemd.time(7)",
        arguments: [
            ("2h", 7200), ("1h 30min", 5400), ("90", 90), ("1d", 86_400), ("1w", 604_800), ("1.5h", 5400),
            ("2 hours", 7200),
            ("1y", 31_557_600), ("1M", 2_629_800), ("1m", 60),
        ] as [(String, UInt64)]
    )
    func span(_ text: String, _ seconds: UInt64) throws {
        #expect(try TimeSpan.microseconds(text) == seconds * 1_000_000)
    }

    @Test("else it is an error", arguments: ["", "h", "2 fortnights", "-2h", "2h ago"])
    func malformed(_ text: String) {
        #expect(throws: TimeSpan.Problem.malformed) { try TimeSpan.microseconds(text) }
    }

    @Test("one that does not fit is too long")
    func tooLong() {
        #expect(throws: TimeSpan.Problem.tooLong) { try TimeSpan.microseconds("999999999y") }
    }
}
