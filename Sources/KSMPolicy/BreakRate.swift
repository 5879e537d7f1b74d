/// How many shared pages guests write per second, from a counter that only rises.
///
/// Smoothed over five minutes downwards; a rise is believed after two intervals.
struct BreakRate {
    /// What came long before this weighs little: people look at hours, guests' work changes in minutes.
    static let smoothingSeconds = 300.0
    /// Two intervals agree when their rates differ by no more than this factor.
    private static let agreement = 1.5

    private struct Interval {
        var breaks: Double
        var seconds: Double
    }

    private var last: (nanoseconds: UInt64, count: UInt64)?
    private var latest: Interval?
    private var smoothed: Double?
    /// What `smoothed` looks back on; the mean of all intervals until that is `smoothingSeconds`.
    private var span = 0.0
    private var recent: Double?
    /// The last two intervals agree: what is told is neither half of a rise nor half of a fall.
    private(set) var isSettled = false
    /// The last sample came while ksmd itself was un-sharing, which counts as breaks too.
    private var wasIgnored = false

    /// `nil` before there were two samples.
    var perSecond: Double? { smoothed.map { max($0, recent ?? 0) } }

    /// The length of the last interval; 0 before there was one.
    var intervalSeconds: Double { latest?.seconds ?? 0 }

    /// Takes in the counter; an interval with our own un-sharing at either end does not count.
    /// - Parameter count: `nil` where the kernel does not tell.
    mutating func take(_ count: UInt64?, at nanoseconds: UInt64, isIgnored: Bool) {
        defer { wasIgnored = isIgnored }
        guard let count else { return forget() }
        defer { last = (nanoseconds, count) }
        // A counter that falls has begun anew (another machine, or a restart of it).
        guard let last, nanoseconds > last.nanoseconds, count >= last.count, !isIgnored, !wasIgnored else { return }
        add(
            Interval(breaks: Double(count - last.count), seconds: Double(nanoseconds - last.nanoseconds) / 1e9)
        )
    }

    private mutating func add(_ interval: Interval) {
        let rate = interval.breaks / interval.seconds
        let before = latest ?? interval
        recent = (before.breaks + interval.breaks) / (before.seconds + interval.seconds)
        let other = before.breaks / before.seconds
        isSettled = max(rate, other) <= BreakRate.agreement * min(rate, other)
        let weight = interval.seconds / (interval.seconds + span)
        smoothed = smoothed.map { $0 + (rate - $0) * weight } ?? rate
        span = min(span + interval.seconds, BreakRate.smoothingSeconds)
        latest = interval
    }

    /// Forgets the past: nothing is merged, or nothing is known.
    mutating func forget() {
        (last, latest, smoothed, recent, span, isSettled) = (nil, nil, nil, nil, 0, false)
    }
}
