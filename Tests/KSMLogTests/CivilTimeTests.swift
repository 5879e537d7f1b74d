import Foundation
import KSMModel
import Testing

@Suite("Dates and times of day")
struct CivilTimeTests {
    /// From `2026-11-28 05:10:00`.
    static func civil(_ text: String) -> CivilTime {
        let numbers = text.split { !$0.isNumber }.compactMap { Int64($0) }
        return CivilTime(
            year: numbers[0],
            month: numbers[1],
            day: numbers[2],
            hour: numbers[3],
            minute: numbers[4],
            second: numbers[5]
        ) ?? CivilTime(realtimeSeconds: 0)
    }

    static func text(microseconds: UInt64) -> String {
        let fraction = microseconds % 1_000_000
        let text = CivilTime(realtimeSeconds: microseconds / 1_000_000).text(between: " ")
        return fraction == 0 ? text : "\(text).\(String(fraction + 1_000_000).dropFirst())"
    }

    @Test("go there and back, as the C library's do", arguments: 0...16)
    func roundTrip(_ part: Int) {
        let start = part * 15_698_765_431
        for seconds in stride(from: start, to: start + 4 * 366 * 86_400, by: 86_399) where seconds < 253_402_300_800 {
            let civil = CivilTime(realtimeSeconds: UInt64(seconds))
            var time = time_t(seconds)
            var broken = tm()
            gmtime_r(&time, &broken)
            let isSameDay =
                civil.year == Int64(broken.tm_year) + 1900 && civil.month == Int64(broken.tm_mon) + 1
                && civil.day == Int64(broken.tm_mday) && civil.hour == Int64(broken.tm_hour)
            #expect(isSameDay && civil.realtimeSeconds == UInt64(seconds), "\(seconds)")
        }
    }

    @Test(
        "are refused where the calendar has none",
        arguments: [
            [2026, 2, 29, 0, 0, 0], [2100, 2, 29, 0, 0, 0], [2026, 0, 1, 0, 0, 0], [2026, 13, 1, 0, 0, 0],
            [2026, 4, 31, 0, 0, 0], [2026, 1, 0, 0, 0, 0], [2026, 1, 1, 24, 0, 0], [2026, 1, 1, 0, 60, 0],
            [2026, 1, 1, 0, 0, 60], [10_000, 1, 1, 0, 0, 0], [-1, 1, 1, 0, 0, 0],
            [.max, .max, .max, .max, .max, .max], [.min, .min, .min, .min, .min, .min],
        ] as [[Int64]]
    )
    func invalid(_ n: [Int64]) {
        #expect(CivilTime(year: n[0], month: n[1], day: n[2], hour: n[3], minute: n[4], second: n[5]) == nil)
    }

    @Test("before 1970 have no seconds")
    func early() throws {
        let civil = try #require(CivilTime(year: 1969, month: 12, day: 31))
        #expect(civil.realtimeSeconds == nil)
    }
}
