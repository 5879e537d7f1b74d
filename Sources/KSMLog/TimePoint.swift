import KSMConfiguration
import KSMModel

/// Points of time as systemd writes them (systemd.time(7), "Parsing Timestamps").
///
/// `now`, `today`, `yesterday`, `tomorrow`; `+2h`, `-30min`, `2h ago`, `2h left`; `@1764306600`; `2026-11-28`,
/// `2026-11-28 05:10`, `05:10:30`, with a day of the week in front and ` UTC` at the end where wanted. Dates and times
/// of RFC 3339 in UTC (`2026-11-28T05:10:00Z`) too, which is what `ksmctl log --json` prints.
///
/// Not systemd's: two digits for a year, names of other time zones, and a 30 February that is a day in March.
package enum TimePoint {
    /// The last second of the year 9999, in microseconds since 1970: what can be printed with four digits.
    package static let latest: UInt64 = 253_402_300_799_999_999

    /// Microseconds since 1970.
    /// - Parameters:
    ///   - now: in microseconds since 1970.
    ///   - zone: what a date without ` UTC` is in.
    package static func parse(_ text: String, now: UInt64, zone: LocalZone) throws(TimePointError) -> UInt64 {
        var scanner = TimeScanner(text)
        scanner.skipBlanks()
        var result = try relative(&scanner, now)
        if result == nil { result = try calendar(&scanner, now, zone) }
        guard let result, result <= latest else { throw scanner.error("a time before the year 10000", at: 0) }
        return result
    }

    /// The notations that do not know of days; `nil` where the text has none of them.
    private static func relative(_ scanner: inout TimeScanner, _ now: UInt64) throws(TimePointError) -> UInt64? {
        if scanner.takeLast(" ago") { return earlier(now, try span(&scanner)) }
        if scanner.takeLast(" left") { return try later(now, span(&scanner), scanner) }
        if scanner.take("+") { return try later(now, span(&scanner), scanner) }
        if scanner.take("-") { return earlier(now, try span(&scanner)) }
        if scanner.take("@") { return try sinceEpoch(&scanner) }
        return scanner.takeAll("now") ? now : nil
    }

    private static func span(_ scanner: inout TimeScanner) throws(TimePointError) -> UInt64 {
        let start = scanner.position
        do throws(TimeSpan.Problem) {
            return try TimeSpan.microseconds(scanner.rest())
        } catch {
            let expected = error == .tooLong ? "a shorter time span" : "a time span such as 2h or 1h 30min"
            throw scanner.error(expected, at: start)
        }
    }

    private static func earlier(_ now: UInt64, _ span: UInt64) -> UInt64 { now > span ? now - span : 0 }

    private static func later(_ now: UInt64, _ span: UInt64, _ scanner: TimeScanner) throws(TimePointError) -> UInt64 {
        let (sum, overflow) = now.addingReportingOverflow(span)
        if overflow { throw scanner.error("a time before the year 10000", at: 0) }
        return sum
    }

    private static func sinceEpoch(_ scanner: inout TimeScanner) throws(TimePointError) -> UInt64 {
        let start = scanner.position
        let seconds = scanner.digits(atMost: 12)
        let microseconds = scanner.take(".") ? scanner.microseconds() : 0
        guard let seconds, let microseconds, scanner.isAtEnd else {
            throw scanner.error("seconds since 1970, as in @1764306600", at: start)
        }
        return UInt64(seconds) * 1_000_000 + microseconds
    }

    /// Days and times of day.
    private static func calendar(
        _ scanner: inout TimeScanner,
        _ now: UInt64,
        _ local: LocalZone
    ) throws(TimePointError) -> UInt64 {
        let zone = scanner.takeUTC() ? .utc : local
        let today = zone.civil(realtimeSeconds: now / 1_000_000)
        for (word, days) in [("today", 0), ("yesterday", -1), ("tomorrow", 1)] as [(StaticString, Int64)]
        where scanner.takeAll(word) {
            return try moment(Day.midnight(today, plus: days), 0, zone, scanner)
        }
        return try dateAndTime(&scanner, today, zone)
    }

    private static func dateAndTime(
        _ scanner: inout TimeScanner,
        _ today: CivilTime,
        _ zone: LocalZone
    ) throws(TimePointError) -> UInt64 {
        let weekday = scanner.takeWeekday()
        let dateStart = scanner.position
        let date = try scanner.date()
        if let weekday, let actual = Day.weekday(date ?? today), actual != weekday {
            throw scanner.error("\(Day.names[actual]), which that day is, not \(Day.names[weekday])", at: 0)
        }
        var civil = Day.midnight(date ?? today, plus: 0)
        var microseconds: UInt64 = 0
        if date == nil || scanner.takeSeparator() {
            let time = try scanner.time(orDateAt: date == nil ? dateStart : nil)
            (civil.hour, civil.minute, civil.second, microseconds) = time
        }
        guard scanner.isAtEnd else { throw scanner.error(date == nil ? "the end" : "a time such as 05:10, or the end") }
        return try moment(civil, microseconds, zone, scanner)
    }

    private static func moment(
        _ civil: CivilTime,
        _ microseconds: UInt64,
        _ zone: LocalZone,
        _ scanner: TimeScanner
    ) throws(TimePointError) -> UInt64 {
        guard let seconds = zone.realtimeSeconds(civil) else { throw scanner.error("a time since 1970", at: 0) }
        return seconds * 1_000_000 + microseconds
    }
}

/// Days of the calendar.
enum Day {
    /// By their number: Sunday is 0.
    static let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The number of the day of the week; `nil` before 1970.
    static func weekday(_ civil: CivilTime) -> Int? {
        // 1 January 1970 was a Thursday.
        civil.realtimeSeconds.map { Int(($0 / 86_400 + 4) % 7) }
    }

    /// The beginning of the day that is some days after that of `civil`; before 1970 the day itself.
    static func midnight(_ civil: CivilTime, plus days: Int64) -> CivilTime {
        var result = civil
        if let seconds = civil.realtimeSeconds, let day = UInt64(exactly: Int64(seconds / 86_400) + days) {
            result = CivilTime(realtimeSeconds: day * 86_400)
        }
        (result.hour, result.minute, result.second) = (0, 0, 0)
        return result
    }
}
