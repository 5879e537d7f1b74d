package import KSMModel

/// Pressure without the kernel's trigger: from how much longer tasks have waited since the last look.
package struct PressurePoll {
    private var last: (stalled: UInt64, at: UInt64)?

    package init() {}

    /// Takes in a look at `/proc/pressure/memory`.
    ///
    /// - Parameters:
    ///   - now: CLOCK_MONOTONIC in microseconds.
    ///   - stallPermille: how much of the time since the last look tasks have to have waited.
    /// - Returns: whether they have.
    package mutating func take(_ pressure: PressureStall?, at now: UInt64, stallPermille: UInt64) -> Bool {
        guard let stalled = pressure?.some?.totalMicroseconds else { return false }
        defer { last = (stalled, now) }
        guard let last, now > last.at, stalled >= last.stalled else { return false }
        return (stalled - last.stalled).multipliedReportingOverflow(by: 1000).partialValue
            >= (now - last.at).multipliedReportingOverflow(by: stallPermille).partialValue
    }
}
