package import KSMModel

/// Combinations that are known to hurt, each only with the figures that show it on this machine.
package enum NUMAWarnings {
    /// What was seen some minutes ago, to tell what has changed since.
    package struct Earlier: Equatable, Sendable {
        var sharing: UInt64?
        var breaks: UInt64?
        var collapsed: UInt64?
        /// Each guest's start time by pid.
        var guests: [Int32: UInt64]
        /// Home nodes of the guests that had been looked at.
        var homes: [Int32: Int]
        var nanoseconds: UInt64

        package init(_ sample: Sample, _ facts: KernelFacts, homes: Homes) {
            sharing = sample.ksm.number(.pages_sharing)
            breaks = sample.events.cow_ksm
            collapsed = facts.khugepagedCollapsed
            guests = Dictionary(sample.guests.map { ($0.pid, $0.startTicks) }) { first, _ in first }
            let found = sample.guests.compactMap { guest in homes[guest].map { (guest.pid, $0.home.home) } }
            self.homes = Dictionary(found) { first, _ in first }
            nanoseconds = sample.monotonicNanoseconds
        }
    }

    /// All warnings that hold now, each with a stable code: `numa-balancing`, `numad`, `khugepaged`, `remote-share`,
    /// `scattered-copies`.
    ///
    /// - Parameter earlier: some minutes old; without it nothing is said of changes.
    package static func all(
        _ sample: Sample,
        _ facts: KernelFacts,
        homes: Homes,
        earlier: Earlier? = nil
    ) -> [Reason] {
        let onSeveralNodes =
            sample.nodes.count > 1
            ? [
                balancing(sample, facts), numad(sample, facts), remoteShare(sample, homes),
                scatteredCopies(sample, homes, earlier),
            ] : []
        return (onSeveralNodes + [earlier.flatMap { khugepaged(sample, facts, $0) }]).compactMap { $0 }
    }

    private static func isAcross(_ sample: Sample) -> Bool { sample.ksm.number(.merge_across_nodes) == 1 }

    private static func isMerged(_ sample: Sample) -> Bool { (sample.ksm.number(.pages_sharing) ?? 0) > 0 }

    // MARK: Kernel and neighbours

    /// Guests that freeze for 1 to 60 s: seen on 6.2 to 6.7 with KSM and NUMA balancing (pve-devel, 2024-01-17).
    private static func balancing(_ sample: Sample, _ facts: KernelFacts) -> Reason? {
        guard let major = facts.kernelMajor, let minor = facts.kernelMinor, let mode = facts.numaBalancing, mode > 0,
            facts.isAtLeast(6, 2) == true, facts.isAtLeast(6, 8) == false, isMerged(sample) || sample.ksm.isRunning
        else { return nil }
        return Reason(
            code: "numa-balancing",
            sentence:
                "kernel \(major).\(minor) with kernel.numa_balancing=\(mode) and KSM on \(sample.nodes.count) nodes: on 6.2 "
                + "to 6.7 guests have frozen for seconds so; kernel.numa_balancing=0 or a newer kernel avoids it",
            fields: [Reason.Field(.kernel, "\(major).\(minor)"), Reason.Field(.numaBalancing, mode)]
        )
    }

    private static func numad(_ sample: Sample, _ facts: KernelFacts) -> Reason? {
        guard let pid = facts.numadPID, isAcross(sample), isMerged(sample) else { return nil }
        let kib = (sample.ksm.number(.pages_sharing) ?? 0).pagesInKiB(sample.pageSize)
        return Reason(
            code: "numad",
            sentence:
                "numad (pid \(pid)) places guests by where their memory lies, which merging over all nodes changes "
                + "(\(Sizes(kib).text(kib)) are merged so): scope local keeps its figures right",
            fields: [Reason.Field(.numadPID, pid), Reason.Field(.mergedKiB, kib)]
        )
    }

    // MARK: Remote memory

    /// More than this is worth a word, in percent: a page of another node takes 1.5 to 2 times as long to read.
    private static let remotePercent = 30.0

    private static func remoteShare(_ sample: Sample, _ homes: Homes) -> Reason? {
        guard isAcross(sample), let share = homes.remoteShare(sample.guests),
            (share.value - share.error) * 100 > remotePercent
        else { return nil }
        return Reason(
            code: "remote-share",
            sentence:
                "\(Words.percent(share.value)) % (± \(Words.percent(share.error)) points) of the guests' merged pages lie on "
                + "a node that is not their guest's home: scope local would keep them there",
            fields: [
                Reason.Field(.remotePercent, Words.percent(share.value)),
                Reason.Field(.remoteErrorPercent, Words.percent(share.error)),
            ]
        )
    }
}
