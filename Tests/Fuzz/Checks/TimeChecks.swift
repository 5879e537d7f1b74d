import KSMLog
import KSMModel

/// Points of time.
enum TimeChecks {
    /// Some moment in 2026, and a zone that is ahead and changes its clocks.
    private static let now: UInt64 = 1_795_842_600_000_000
    private static let zone = LocalZone { $0 % 31_557_600 < 15_778_800 ? 3600 : 7200 }

    /// What comes out is the same when it is printed as a date, or as seconds, and read again.
    static func timePoint(_ input: [UInt8]) throws(Violation) {
        let text = String(decoding: input, as: UTF8.self)
        for zone in [.utc, zone] {
            guard let result = parsed(text, zone) else { continue }
            try ensure(result <= TimePoint.latest, "\(result) is too late")
            let seconds = result / 1_000_000
            try same(parsed("@\(seconds)", zone), seconds * 1_000_000, "seconds")
            try same(parsed("\(CivilTime(realtimeSeconds: seconds))", zone), seconds * 1_000_000, "a date")
        }
    }

    private static func parsed(_ text: String, _ zone: LocalZone) -> UInt64? {
        do throws(TimePointError) {
            return try TimePoint.parse(text, now: now, zone: zone)
        } catch {
            return error.position <= text.utf8.count && !error.expected.isEmpty ? nil : .max
        }
    }
}
