import KSMKernel
import KSMModel
import KSMReport

/// Turns samples into figures since the demonstration began.
struct Meter {
    private let startSavedBytes: UInt64
    private let startNanoseconds: UInt64?
    private let startScans: UInt64
    private var previous: Sample

    /// - Parameter countsFromStart: what was saved before does not count: the guests are the demonstration's own.
    init(_ first: Sample, countsFromStart: Bool) {
        startSavedBytes = countsFromStart ? first.ksm.savedBytes(pageSize: first.pageSize) ?? 0 : 0
        startNanoseconds = first.scanner?.cpuNanoseconds
        startScans = first.ksm.number(.full_scans) ?? 0
        previous = first
    }

    mutating func picture(_ sample: Sample) -> Picture {
        defer { previous = sample }
        let saved = sample.ksm.savedBytes(pageSize: sample.pageSize)
        return Picture(
            elapsedSeconds: 0,
            totalSeconds: 0,
            savedBytes: saved.map { $0 - min($0, startSavedBytes) },
            attainableBytes: nil,
            residentBytes: sample.committedKiB(.rss) << 10,
            scannerPermille: permille(sample),
            scannerNanoseconds: cpu(sample, since: startNanoseconds),
            fullScans: scans(sample),
            ksm: sample.ksm,
            account: nil,
            guests: sample.guests.map { StateReport.Guest($0, host: sample.ksm, pageSize: sample.pageSize) }
        )
    }

    private func cpu(_ sample: Sample, since start: UInt64?) -> UInt64? {
        guard let now = sample.scanner?.cpuNanoseconds, let start else { return nil }
        return now - min(now, start)
    }

    /// Unsharing all memory sets the kernel's counter back to 0.
    private func scans(_ sample: Sample) -> UInt64 {
        let now = sample.ksm.number(.full_scans) ?? 0
        return now < startScans ? now : now - startScans
    }

    private func permille(_ sample: Sample) -> UInt32? {
        let wall = sample.monotonicNanoseconds - min(sample.monotonicNanoseconds, previous.monotonicNanoseconds)
        guard wall > 0, let used = cpu(sample, since: previous.scanner?.cpuNanoseconds) else { return nil }
        return UInt32(clamping: used * 1000 / wall)
    }
}
