/// systemd's time spans (systemd.time(7)), for others than the configuration.
package enum TimeSpan {
    /// Why a text is no time span.
    package enum Problem: Error, Equatable, Sendable {
        case malformed
        /// More than 2^64 microseconds.
        case tooLong
    }

    /// `30s`, `5min`, `1h 30min` in microseconds; a number without unit is seconds.
    package static func microseconds(_ text: String) throws(Problem) -> UInt64 {
        let result: UInt64?
        do throws(ValueError) { result = try Value.timeSpan(text) } catch { throw .malformed }
        guard let result else { throw .tooLong }
        return result
    }
}

/// The notations of time: systemd's time spans and the argument of sleep(1).
extension Value {
    /// Shortest and longest time between two ticks, in milliseconds.
    ///
    /// A second is the least that a wake-up budget of one a second allows; a day is the longest that anybody would call
    /// tuning.
    static let intervalRange: ClosedRange<UInt64> = 1000...86_400_000

    /// A time span as systemd reads it (systemd.time(7)), in milliseconds: `30s`, `5min`, `1h 30min`; a number without
    /// unit is seconds.
    static func interval(_ text: String) throws(ValueError) -> UInt64 {
        try milliseconds(text, in: intervalRange)
    }

    /// A time span as systemd reads it, in milliseconds, rounded down.
    static func milliseconds(_ text: String, in range: ClosedRange<UInt64>) throws(ValueError) -> UInt64 {
        guard let microseconds = try timeSpan(text), range.contains(microseconds / 1000) else {
            throw outside(
                text,
                timeSpanText(milliseconds: range.lowerBound),
                timeSpanText(milliseconds: range.upperBound)
            )
        }
        return microseconds / 1000
    }

    /// The argument of sleep(1), in milliseconds: `60`, `0.5`, `1m`.
    static func sleepArgument(_ text: String) throws(ValueError) -> UInt64 {
        var cursor = Cursor(text)
        cursor.skipBlanks()
        let number = cursor.decimal()
        let suffix = cursor.letters()
        cursor.skipBlanks()
        guard let number, cursor.isAtEnd, let unit = sleepUnits[suffix] else {
            throw ValueError(problem: "\(quoted(text)) is not a number of seconds")
        }
        guard let milliseconds = number.scaled(by: unit), intervalRange.contains(milliseconds) else {
            throw outside(text, "1", "86400 seconds")
        }
        return milliseconds
    }

    /// `milliseconds` as a time span: `1min 30s`.
    static func timeSpanText(milliseconds: UInt64) -> String {
        var rest = milliseconds
        var parts: [String] = []
        for (name, unit) in [("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)] as [(String, UInt64)] {
            if rest >= unit { parts.append("\(rest / unit)\(name)") }
            rest %= unit
        }
        return parts.isEmpty ? "0" : parts.joined(separator: " ")
    }

    /// `milliseconds` as an argument of sleep(1): `60`, `1.5`.
    static func sleepText(milliseconds: UInt64) -> String {
        let fraction = milliseconds % 1000
        guard fraction > 0 else { return String(milliseconds / 1000) }
        var digits = Substring(String(fraction + 1000).dropFirst())
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return "\(milliseconds / 1000).\(digits)"
    }

    /// Microseconds; `nil` for more than fits.
    fileprivate static func timeSpan(_ text: String) throws(ValueError) -> UInt64? {
        var cursor = Cursor(text)
        var total: UInt64? = 0
        var isEmpty = true
        cursor.skipBlanks()
        while !cursor.isAtEnd {
            guard let number = cursor.decimal() else { throw notTimeSpan(text) }
            let isApart = cursor.skipBlanks()
            let name = cursor.letters()
            // Where no unit is between two numbers, a blank has to be: 1.5.5 is none.
            guard let unit = timeUnits[name], !name.isEmpty || isApart || cursor.isAtEnd else {
                throw notTimeSpan(text)
            }
            cursor.skipBlanks()
            total = total.flatMap { sum in
                number.scaled(by: unit).flatMap { part in
                    let (result, overflow) = sum.addingReportingOverflow(part)
                    return overflow ? nil : result
                }
            }
            isEmpty = false
        }
        if isEmpty { throw notTimeSpan(text) }
        return total
    }

    private static func notTimeSpan(_ text: String) -> ValueError {
        ValueError(problem: "\(quoted(text)) is not a time span such as 30s, 5min or 1h 30min")
    }

    /// In microseconds.
    ///
    /// The names are those of systemd.time(7): a month is 30.44 days, a year 365.25.
    private static let timeUnits: [String: UInt64] = [
        "us": 1, "usec": 1, "ms": 1000, "msec": 1000,
        "": 1_000_000, "s": 1_000_000, "sec": 1_000_000, "second": 1_000_000, "seconds": 1_000_000,
        "m": 60_000_000, "min": 60_000_000, "minute": 60_000_000, "minutes": 60_000_000,
        "h": 3_600_000_000, "hr": 3_600_000_000, "hour": 3_600_000_000, "hours": 3_600_000_000,
        "d": 86_400_000_000, "day": 86_400_000_000, "days": 86_400_000_000,
        "w": 604_800_000_000, "week": 604_800_000_000, "weeks": 604_800_000_000,
        "M": 2_629_800_000_000, "month": 2_629_800_000_000, "months": 2_629_800_000_000,
        "y": 31_557_600_000_000, "year": 31_557_600_000_000, "years": 31_557_600_000_000,
    ]

    /// In milliseconds; the suffixes of sleep(1).
    private static let sleepUnits: [String: UInt64] = [
        "": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]
}
