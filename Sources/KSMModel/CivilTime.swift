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

    /// `2026-11-28 05:10:00 UTC`.
    package var description: String {
        func pad(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(pad(month))-\(pad(day)) \(pad(hour)):\(pad(minute)):\(pad(second)) UTC"
    }
}
