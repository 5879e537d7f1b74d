import Glibc

/// CLOCK_MONOTONIC in microseconds, the unit of sd-event and of `MONOTONIC_USEC=`.
func monotonicMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000 &+ UInt64(time.tv_nsec) / 1000
}

/// Milliseconds as microseconds; what does not fit is "never" (`UInt64.max`, systemd's `USEC_INFINITY`).
func microseconds(fromMilliseconds milliseconds: UInt64) -> UInt64 {
    let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
    return overflow ? .max : product
}

extension UInt64 {
    /// The sum, or the largest number where it does not fit.
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
