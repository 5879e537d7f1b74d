package import KSMModel

/// ksmtuned's rule, number for number, in 64-bit arithmetic.
///
/// KSM runs when what the guests hold plus the threshold reaches total memory, or when free memory does not exceed the
/// threshold. While it runs, the batch grows by `boostPages` per tick if free memory is below the threshold, else it
/// changes by `decayPages`. Source: the script's behaviour, recorded as vectors (Tests/KSMPolicyTests).
package struct ClassicPolicy: Policy {
    package let name = PolicyName.classic
    /// The numbers that the rule runs on.
    package var parameters: ClassicParameters
    package var metric: GuestMetric
    /// The batch, kept while KSM is stopped: a restart goes on from here.
    package private(set) var npages: Int64
    /// Total memory for which the first log lines were given; they come again when it changes (hotplug).
    private var announcedTotalKiB: UInt64?

    /// - Parameter npages: the batch to go on from; 0 as at the start of ksmtuned.
    package init(_ parameters: ClassicParameters, metric: GuestMetric = .rss, npages: Int64 = 0) {
        self.parameters = parameters
        self.metric = metric
        self.npages = npages
    }

    /// What the kernel takes for the batch and the sleep (unsigned int in mm/ksm.c).
    private static let kernelRange: ClosedRange<Int64> = 0...Int64(UInt32.max)

    /// What the rule compares, in KiB.
    private struct Figures {
        var total: Int64
        var threshold: Int64
        var committed: Int64
        var free: Int64
        var wanted: Int64 { committed.addingClamped(threshold) }
    }

    /// Free memory below the threshold is what boosts the batch.
    package func answersPressure(_ memory: MemoryInfo) -> Bool {
        guard let total = memory.memTotalKiB, let free = memory.classicFreeKiB else { return false }
        return Int64(clamping: free) <= thresholdKiB(total: Int64(clamping: total))
    }

    package mutating func step(_ sample: Sample) -> Decision {
        guard let total = sample.memory.memTotalKiB, let free = sample.memory.classicFreeKiB, total > 0 else {
            return Decision(
                writes: [],
                reason: Reason(
                    code: "no-memory-figures",
                    sentence: "/proc/meminfo gives no total or free memory; nothing is changed"
                )
            )
        }
        let figures = Figures(
            total: Int64(clamping: total),
            threshold: thresholdKiB(total: Int64(clamping: total)),
            committed: Int64(clamping: sample.committedKiB(metric)),
            free: Int64(clamping: free)
        )
        var log = announcement(figures)
        log.append("committed \(figures.committed) free \(figures.free)")
        if figures.wanted < figures.total && figures.free > figures.threshold {
            return stop(figures, log)
        }
        return start(figures, log)
    }

    /// `KSM_THRES_COEF` percent of total, at least `KSM_THRES_CONST`.
    private func thresholdKiB(total: Int64) -> Int64 {
        let (product, overflowed) = total.multipliedReportingOverflow(by: parameters.thresholdPercent)
        let share = overflowed ? total / 100 * parameters.thresholdPercent.clamped(to: 0...100) : product / 100
        return max(share, parameters.thresholdKiB)
    }

    /// The sleep for 16 GiB scaled to this host, at least 10 ms (ksmtuned's floor).
    private func sleepMilliseconds(total: Int64) -> Int64 {
        let sixteenGiB: Int64 = 16 * 1024 * 1024
        let (product, overflowed) = parameters.sleepMilliseconds.multipliedReportingOverflow(by: sixteenGiB)
        return max((overflowed ? .max : product) / total, 10).clamped(to: ClassicPolicy.kernelRange)
    }

    private func stop(_ figures: Figures, _ log: [String]) -> Decision {
        let sentence =
            "guests hold \(KiB(figures.committed)) and \(KiB(figures.free)) of \(KiB(figures.total)) are free, above "
            + "the threshold of \(KiB(figures.threshold)): no need to merge"
        return Decision(
            writes: [Write(.run, 0)],
            reason: Reason(code: "enough-memory", sentence: sentence, fields: fields(figures)),
            legacyLog: log + [
                "\(figures.wanted) < \(figures.total) and free > \(figures.threshold), stop ksm"
            ]
        )
    }

    private mutating func start(_ figures: Figures, _ log: [String]) -> Decision {
        let isShort = figures.free < figures.threshold
        let before = npages
        npages = npages.addingClamped(isShort ? parameters.boostPages : parameters.decayPages)
        if npages < parameters.minimumPages {
            npages = parameters.minimumPages
        } else if npages > parameters.maximumPages {
            npages = parameters.maximumPages
        }
        let sleep = sleepMilliseconds(total: figures.total)
        npages = npages.clamped(to: ClassicPolicy.kernelRange)
        // The first line prints ">" also where the sum is smaller and only free memory is short: so did the script.
        let lines = [
            "\(figures.wanted) > \(figures.total), start ksm",
            isShort
                ? "\(figures.free) < \(figures.threshold), boost" : "\(figures.free) > \(figures.threshold), decay",
            "KSMCTL start \(npages) \(sleep)",
        ]
        return Decision(
            writes: [Write(.pages_to_scan, npages), Write(.sleep_millisecs, sleep), Write(.run, 1)],
            reason: startReason(figures, isShort: isShort, isFaster: npages > before),
            legacyLog: log + lines
        )
    }

    private func startReason(_ figures: Figures, isShort: Bool, isFaster: Bool) -> Reason {
        let sentence: String
        if isShort {
            sentence =
                "\(KiB(figures.free)) of \(KiB(figures.total)) are free, below the threshold of "
                + "\(KiB(figures.threshold)): scanning \(isFaster ? "harder, " : "")\(npages) pages per batch"
        } else if figures.wanted >= figures.total {
            sentence =
                "guests hold \(KiB(figures.committed)), which with the threshold of \(KiB(figures.threshold)) reaches "
                + "the \(KiB(figures.total)) of memory: scanning \(npages) pages per batch"
        } else {
            sentence =
                "\(KiB(figures.free)) of \(KiB(figures.total)) are free, exactly the threshold: scanning "
                + "\(npages) pages per batch"
        }
        let extra = [Reason.Field(.pagesToScan, npages)]
        return Reason(
            code: isShort ? "pressure" : "relief",
            sentence: sentence,
            fields: fields(figures) + extra
        )
    }

    private func fields(_ figures: Figures) -> [Reason.Field] {
        [
            Reason.Field(.totalKiB, figures.total),
            Reason.Field(.freeKiB, figures.free),
            Reason.Field(.committedKiB, figures.committed),
            Reason.Field(.thresholdKiB, figures.threshold),
        ]
    }

    /// The lines that ksmtuned logs once at its start.
    private mutating func announcement(_ figures: Figures) -> [String] {
        let total = UInt64(figures.total)
        guard announcedTotalKiB != total else { return [] }
        announcedTotalKiB = total
        let head = metric == .pss ? ["using pss metric"] : []
        return head + [
            "total \(total)", "sleep \(sleepMilliseconds(total: figures.total))", "thres \(figures.threshold)",
        ]
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflowed) = addingReportingOverflow(other)
        return overflowed ? (other > 0 ? .max : .min) : sum
    }

    fileprivate func clamped(to range: ClosedRange<Int64>) -> Int64 {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}

/// A size for sentences: `3.2 GiB`, `512 MiB`, `40 KiB`.
private struct KiB: CustomStringConvertible {
    let value: Int64

    init(_ value: Int64) {
        self.value = value
    }

    var description: String {
        if value >= 1024 * 1024 {
            let tenths = value / 104_858 + (value % 104_858 >= 52_429 ? 1 : 0)
            return "\(tenths / 10).\(tenths % 10) GiB"
        }
        return value >= 1024 ? "\(value / 1024) MiB" : "\(value) KiB"
    }
}
