import KSMModel
import KSMReport
import KSMSystemd

/// What the journal gets once an hour: what was saved and what that cost since the last time.
struct Summary {
    private struct Begin {
        var nanoseconds: UInt64
        var savedBytes: UInt64
        var cpuNanoseconds: UInt64
        var scanningNanoseconds: UInt64
    }

    private var begin: Begin?
    private var changes: UInt64 = 0

    /// Takes in a tick.
    mutating func take(_ sample: Sample, _ account: ScannerAccount) {
        if begin == nil { begin = Summary.begin(sample, account) }
    }

    /// Counts the changes among entries that are told.
    mutating func count(_ entries: [JournalEntry]) {
        changes += UInt64(entries.count { $0.id.isDecision })
    }

    private static func begin(_ sample: Sample, _ account: ScannerAccount) -> Begin {
        Begin(
            nanoseconds: sample.monotonicNanoseconds,
            savedBytes: sample.ksm.savedBytes(pageSize: sample.pageSize) ?? 0,
            cpuNanoseconds: account.sinceStartNanoseconds ?? 0,
            scanningNanoseconds: account.scanningNanoseconds
        )
    }

    /// The entry, and a new beginning.
    ///
    /// - Returns: `nil` for a host where nothing is merged, nothing was changed and nobody scanned.
    mutating func conclude(_ sample: Sample, _ account: ScannerAccount) -> JournalEntry? {
        let end = Summary.begin(sample, account)
        guard let begin else { return nil }
        defer { (self.begin, changes) = (end, 0) }
        let cpu = end.cpuNanoseconds &- begin.cpuNanoseconds
        guard end.savedBytes > 0 || begin.savedBytes > 0 || cpu > 0 || changes > 0 else { return nil }
        let elapsed = max(1, end.nanoseconds &- begin.nanoseconds)
        let scanning = (end.scanningNanoseconds &- begin.scanningNanoseconds) / 1_000_000_000
        return JournalEntry(
            .info,
            .summary,
            "In the last \(Human.duration(seconds: elapsed / 1_000_000_000)): \(Summary.saved(begin, end)), scanned for "
                + "\(Human.duration(seconds: scanning)), scanner CPU time \(Human.cpuTime(nanoseconds: cpu)) "
                + "(\(Human.cpuShare(permille: UInt32(min(1000, cpu / max(1, elapsed / 1000)))))), "
                + "\(Human.count(changes, "change")), \(Human.count(sample.guests.count, "guest"))",
            fields: [
                Reason.Field(.scannerCPUMicroseconds, cpu / 1000),
                Reason.Field(.scannerCPUPermille, min(1000, cpu / max(1, elapsed / 1000))),
                Reason.Field(.seconds, elapsed / 1_000_000_000), Reason.Field(.scanningSeconds, scanning),
                Reason.Field(.savedBytesBefore, begin.savedBytes), Reason.Field(.changes, changes),
            ]
        )
    }

    private static func saved(_ begin: Begin, _ end: Begin) -> String {
        let change =
            end.savedBytes >= begin.savedBytes
            ? "\(Human.size(end.savedBytes - begin.savedBytes)) more"
            : "\(Human.size(begin.savedBytes - end.savedBytes)) less"
        return "\(Human.size(end.savedBytes)) saved (\(change))"
    }
}
