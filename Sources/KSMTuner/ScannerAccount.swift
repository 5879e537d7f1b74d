import KSMKernel
package import KSMModel

/// What the scanner thread has used since ksmd started and in the last interval, and since when it stands.
package struct ScannerAccount {
    private var first: UInt64?
    private var last: (cpu: UInt64, time: UInt64)?
    private var wasRunning = false

    /// CPU time in nanoseconds since the first sample; `nil` while the thread has not been seen.
    package private(set) var sinceStartNanoseconds: UInt64?
    /// Share of one core between the last two samples.
    package private(set) var permille: UInt32?
    /// When scanning was seen to stop; `nil` while it goes on, or when it was never seen going on.
    package private(set) var stoppedRealtimeSeconds: UInt64?

    /// How long `run` was 1, as far as the samples tell.
    package private(set) var scanningNanoseconds: UInt64 = 0
    private var lastSample: UInt64?

    package init() {}

    /// Takes in one sample.
    package mutating func take(_ sample: Sample) {
        if sample.ksm.isRunning {
            stoppedRealtimeSeconds = nil
        } else if wasRunning {
            stoppedRealtimeSeconds = Clock.realtimeSeconds()
        }
        if wasRunning, let lastSample { scanningNanoseconds += sample.monotonicNanoseconds &- lastSample }
        lastSample = sample.monotonicNanoseconds
        wasRunning = sample.ksm.isRunning
        guard let cpu = sample.scanner?.cpuNanoseconds else { return }
        let start = first ?? cpu
        first = start
        sinceStartNanoseconds = cpu >= start ? cpu - start : 0
        if let last, sample.monotonicNanoseconds > last.time, cpu >= last.cpu {
            let elapsed = sample.monotonicNanoseconds - last.time
            permille = UInt32(min(1000, (cpu - last.cpu) / max(1, elapsed / 1000)))
        }
        last = (cpu, sample.monotonicNanoseconds)
    }
}
