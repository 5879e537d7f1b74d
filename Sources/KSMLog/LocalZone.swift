package import KSMModel

/// A time zone, as a function from moments to how far its clocks are ahead of UTC.
package struct LocalZone: Sendable {
    private let secondsAhead: @Sendable (UInt64) -> Int64

    /// - Parameter secondsAhead: the offset at a moment in seconds since 1970; negative west of Greenwich.
    package init(_ secondsAhead: @escaping @Sendable (UInt64) -> Int64) {
        self.secondsAhead = secondsAhead
    }

    /// Without an offset.
    package static let utc = LocalZone { _ in 0 }

    /// What the clocks show `realtimeSeconds` after the beginning of 1970.
    package func civil(realtimeSeconds: UInt64) -> CivilTime {
        CivilTime(realtimeSeconds: LocalZone.moved(realtimeSeconds, by: secondsAhead(realtimeSeconds)))
    }

    /// When the clocks show `civil`, in seconds since 1970; `nil` before that.
    ///
    /// A time that comes twice, because clocks are set back, is the first of the two. One that does not come, because
    /// they are set forward, counts on from before.
    package func realtimeSeconds(_ civil: CivilTime) -> UInt64? {
        guard let utc = civil.realtimeSeconds else { return nil }
        // No zone is a day or more away from UTC, and none changes its clocks twice within two days.
        let before = secondsAhead(LocalZone.moved(utc, by: -86_400))
        let after = secondsAhead(LocalZone.moved(utc, by: 86_400))
        for offset in [before, after] {
            let candidate = LocalZone.moved(utc, by: 0 &- offset)
            if self.civil(realtimeSeconds: candidate) == civil { return candidate }
        }
        return LocalZone.moved(utc, by: 0 &- before)
    }

    /// The sum; what would be before 1970 is 1970.
    private static func moved(_ seconds: UInt64, by difference: Int64) -> UInt64 {
        let magnitude = difference.magnitude
        if difference < 0 { return seconds > magnitude ? seconds - magnitude : 0 }
        let (sum, overflow) = seconds.addingReportingOverflow(magnitude)
        return overflow ? .max : sum
    }
}
