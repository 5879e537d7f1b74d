import KSMModel

extension StatusReport {
    /// What an operator should know before he trusts the figures, one sentence each.
    package var warnings: [String] {
        if isKSMAbsent { return notes }
        return notes + (daemonReport?.warnings ?? []) + [holdWarning, staleWarning, strayWarning].compactMap(\.self)
            + [writersWarning, contradictionWarning, silenceWarning, advisorWarning, zeroPagesWarning].compactMap(
                \.self
            )
    }

    /// Counters stand still while the scanner does (mm/ksm.c updates them as it scans).
    private var isFrozen: Bool {
        sample.ksm.run != 1 || sample.ksm.number(.pages_to_scan) == 0
    }

    private var mergedPages: UInt64 {
        let shared = sample.ksm.number(.pages_shared) ?? 0
        return shared.addingReportingOverflow(sample.ksm.number(.pages_sharing) ?? 0).partialValue
    }

    private var holdWarning: String? {
        guard let hold = daemonReport?.hold ?? hold else { return nil }
        let since = age(of: hold.sinceRealtimeSeconds).map { " \(Human.duration(seconds: $0)) ago" } ?? ""
        switch hold.kind {
        case .stop: return "stopped by \(hold.by)\(since) with `ksmctl stop`; `ksmctl start` ends it"
        case .pause: return "paused by \(hold.by)\(since)\(hold.extent); `ksmctl resume` ends it"
        }
    }

    private var staleWarning: String? {
        guard isFrozen, mergedPages > 0 else { return nil }
        let stopped = age(of: daemonReport?.scanningStoppedRealtimeSeconds)
        let since = stopped.map { "scanning stopped \(Human.duration(seconds: $0)) ago" } ?? "scanning stands still"
        return "counters are stale: \(since), and what was written or freed since is still counted as merged"
    }

    /// Guests that exit while the scanner stands still leave their merged pages in the counters, and the kernel's
    /// bookkeeping for them in memory.
    private var strayWarning: String? {
        let parts = sample.guests.map(\.mergingPages)
        guard isFrozen, !parts.contains(nil) else { return nil }
        let known = parts.reduce(UInt64(0)) { $0.addingReportingOverflow($1 ?? 0).partialValue }
        // A megabyte: below that it is what counters differ by between two reads.
        guard mergedPages > known, mergedPages - known >= 256 else { return nil }
        let size = Human.size((mergedPages - known).multipliedReportingOverflow(by: sample.pageSize).partialValue)
        return "\(size) counted as merged belong to no guest: to other processes, or to guests that exited while "
            + "scanning stood still, which the kernel only notices when it scans again"
    }

    private var writersWarning: String? {
        guard let foreign = daemonReport?.foreign, !foreign.isEmpty else { return nil }
        return "more than one program tunes KSM: \(foreign.map(\.name).joined(separator: ", ")) "
            + "changed behind ksmd's back"
    }

    /// `run` is not what the daemon last made it.
    private var contradictionWarning: String? {
        guard case .running = daemon, let report = daemonReport, let run = sample.ksm.run else { return nil }
        switch report.state {
        case .scanning where run != 1: break
        case .stopped where run == 1, .held where run == 1, .paused where run == 1: break
        default: return nil
        }
        return "run is \(run), which is not what ksmd made it: another program has written it since the last tick"
    }

    private var silenceWarning: String? {
        guard case .running = daemon, let report = daemonReport else { return nil }
        guard let age = age(of: report.lastTickRealtimeSeconds) else { return nil }
        // Three intervals, as for the watchdog, and time to start.
        let limit = (report.intervalMilliseconds / 1000).multipliedReportingOverflow(by: 3).partialValue
        guard age > limit.addingReportingOverflow(10).partialValue else { return nil }
        return "ksmd completed its last tick \(Human.duration(seconds: age)) ago, though its interval is "
            + Human.interval(milliseconds: report.intervalMilliseconds)
    }

    private var advisorWarning: String? {
        guard sample.ksm.isAdvised, let mode = sample.ksm[.advisor_mode] else { return nil }
        return "the kernel's advisor (\(mode)) is on and sets pages_to_scan"
    }

    private var zeroPagesWarning: String? {
        guard sample.ksm.number(.use_zero_pages) == 1, sample.ksm[.ksm_zero_pages] == nil else { return nil }
        return "this kernel does not count merged pages of zeros: more is saved than shown"
    }
}
