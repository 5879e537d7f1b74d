import KSMModel

/// Warnings about memory that was merged and is not any more, or not as well as it could be.
extension NUMAWarnings {
    /// Merged pages that one collapse can undo: `max_ptes_shared` of khugepaged, half of a huge page's 512.
    private static let sharedPerCollapse: UInt64 = 256
    /// A fall of less than this part of what was merged, in percent, is nothing.
    private static let fallPercent: Int64 = 1

    /// khugepaged makes huge pages out of merged ones, which copies them; the scanner then starts again.
    ///
    /// A fall that guests' writes (`cow_ksm`, from 5.19) or the end of a guest explain is not its work. At least half of
    /// the rest has to be within reach of what it has collapsed.
    static func khugepaged(_ sample: Sample, _ facts: KernelFacts, _ earlier: Earlier) -> Reason? {
        guard let was = earlier.sharing, let now = sample.ksm.number(.pages_sharing), was > now,
            let before = earlier.collapsed, let collapsed = facts.khugepagedCollapsed, collapsed > before,
            let written = earlier.breaks, let writes = sample.events.cow_ksm, sample.ksm.isRunning,
            earlier.guests.allSatisfy({ lives($0, sample) })
        else { return nil }
        let fall = (was - now).minus(writes.minus(written))
        let made = collapsed - before
        guard fall > was.percent(fallPercent), fall > 0, made.times(sharedPerCollapse) >= fall / 2 else { return nil }
        return khugepaged(sample, facts, fall: fall, made: made, since: earlier.nanoseconds)
    }

    private static func khugepaged(
        _ sample: Sample,
        _ facts: KernelFacts,
        fall: UInt64,
        made: UInt64,
        since: UInt64
    ) -> Reason {
        let kib = fall.pagesInKiB(sample.pageSize)
        let seconds = sample.monotonicNanoseconds.minus(since) / 1_000_000_000
        let mode = facts.thpEnabled.map { " (transparent_hugepage=\($0))" } ?? ""
        return Reason(
            code: "khugepaged",
            sentence:
                "khugepaged\(mode) has made \(Words.count(made, "huge page")) within \(Words.time(seconds: seconds)), and "
                + "\(Sizes(kib).text(kib)) that were merged are no longer, without guests writing them: "
                + "khugepaged/max_ptes_shared=0 leaves merged pages alone",
            fields: [Reason.Field(.collapsed, made), Reason.Field(.lostKiB, kib), Reason.Field(.seconds, seconds)]
        )
    }

    private static func lives(_ guest: (key: Int32, value: UInt64), _ sample: Sample) -> Bool {
        sample.guests.contains { $0.pid == guest.key && $0.startTicks == guest.value }
    }

    // MARK: Copies that pile up

    /// Copies worth a word, in percent of the kept pages.
    private static let scatteredPercent: Int64 = 10
    /// The kernel's default of `max_page_sharing` (mm/ksm.c).
    private static let defaultMaxPageSharing: UInt64 = 256

    /// Copies of one content that migration has brought together on a node: the kernel never merges them by itself.
    ///
    /// The kernel also keeps several copies where a content has more than `max_page_sharing` users; each of them then
    /// has at least half as many. Copies with less than a quarter are something else.
    static func scatteredCopies(_ sample: Sample, _ homes: Homes, _ earlier: Earlier?) -> Reason? {
        guard let dups = sample.ksm.number(.stable_node_dups), let chains = sample.ksm.number(.stable_node_chains),
            let shared = sample.ksm.number(.pages_shared), let sharing = sample.ksm.number(.pages_sharing),
            dups > chains
        else { return nil }
        let spare = dups - chains
        let limit = sample.ksm.number(.max_page_sharing) ?? defaultMaxPageSharing
        guard spare > shared.percent(scatteredPercent), sharing < dups.times(limit) / 4 else { return nil }
        let moved = moved(sample, homes, earlier)
        return scatteredCopies(sample, dups: dups, spare: spare, moved)
    }

    private static func scatteredCopies(_ sample: Sample, dups: UInt64, spare: UInt64, _ moved: [String]) -> Reason {
        let price = spare.pagesInKiB(sample.pageSize)
        let needed = (sample.ksm.savedPages ?? 0).pagesInKiB(sample.pageSize)
        let sizes = Sizes(price, needed)
        let guests = moved.isEmpty ? "" : "; moved since: \(moved.joined(separator: ", "))"
        return Reason(
            code: "scattered-copies",
            sentence:
                "\(dups) kept pages are copies of one another, as after guests moved between nodes\(guests): "
                + "`ksmctl unmerge` and then `ksmctl start` give about \(sizes.text(price)) back, and need "
                + "\(sizes.text(needed)) meanwhile",
            fields: [
                Reason.Field(.stableNodeDups, dups), Reason.Field(.reclaimableKiB, price),
                Reason.Field(.neededKiB, needed),
            ]
        )
    }

    /// Guests whose home is another node than it was.
    private static func moved(_ sample: Sample, _ homes: Homes, _ earlier: Earlier?) -> [String] {
        guard let earlier else { return [] }
        return sample.guests.filter { guest in
            guard let was = earlier.homes[guest.pid], earlier.guests[guest.pid] == guest.startTicks,
                let home = homes[guest]?.home.home
            else { return false }
            return home != was
        }.map(\.name)
    }
}
