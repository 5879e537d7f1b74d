/// A point of time by the Gregorian calendar in UTC.
package struct CivilTime: Equatable, Sendable, CustomStringConvertible {
    package var year: Int64
    /// 1 to 12.
    package var month: Int64
    /// 1 to 31.
    package var day: Int64
    package var hour: Int64
    package var minute: Int64
    package var second: Int64

    /// From seconds since 1970, by the days-from-civil method: eras of 400 years that begin on 1 March.
    package init(realtimeSeconds: UInt64) {
        let days = Int64(realtimeSeconds / 86_400) + 719_468
        let rest = Int64(realtimeSeconds % 86_400)
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// `nil` for what the calendar does not have (30 February), and outside the years 0 to 9999.
    package init?(year: Int64, month: Int64, day: Int64, hour: Int64 = 0, minute: Int64 = 0, second: Int64 = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
        if !isValid { return nil }
    }

    /// The days of a month; 0 for what is no month.
    package static func days(month: Int64, year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        case 1...12: 31
        default: 0
        }
    }

    private var isValid: Bool {
        (0...9999).contains(year) && (1...12).contains(month) && day >= 1
            && day <= CivilTime.days(month: month, year: year)
            && (0...23).contains(hour) && (0...59).contains(minute) && (0...59).contains(second)
    }

    /// Seconds since 1970; `nil` for an earlier time and for one that the calendar does not have.
    package var realtimeSeconds: UInt64? {
        guard isValid, year >= 1970 else { return nil }
        let shifted = month > 2 ? month - 3 : month + 9
        let shiftedYear = month > 2 ? year : year - 1
        let yearOfEra = shiftedYear % 400
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = shiftedYear / 400 * 146_097 + dayOfEra - 719_468
        return UInt64(days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// `2026-11-28 05:10:00 UTC`.
    package var description: String { text(between: " ") + " UTC" }

    /// `2026-11-28 05:10:00`, with `separator` between date and time.
    package func text(between separator: String) -> String {
        func pad(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(pad(month))-\(pad(day))\(separator)\(pad(hour)):\(pad(minute)):\(pad(second))"
    }
}
