import KSMModel

/// What each cgroup with a limit has to hold while everything is un-shared.
///
/// A merged page is charged to the cgroup that had the kept one first; its copy is charged to the guest's own. Which
/// pages are charged already nobody tells, so all merged pages of all guests inside count.
struct CgroupNeeds {
    private struct Level {
        var limit: CgroupLimit
        var neededKiB: UInt64 = 0
        /// What of it the kernel copies by itself.
        var kernelKiB: UInt64 = 0
        /// The guest that needs most.
        var guest: (name: String, kib: UInt64)
    }

    private(set) var needs: [UnmergePlan.Need] = []
    private(set) var remarks: [String] = []

    /// - Parameter canCopy: a guest's copies are made one by one, but for zero pages, which only the kernel can copy.
    init(
        _ sample: Sample,
        _ homes: Homes,
        _ cgroups: [(guest: Guest, chain: CgroupChain)],
        canCopy: (Guest) -> Bool
    ) {
        var levels: [String: Level] = [:]
        for (guest, chain) in cgroups {
            if let problem = chain.problem {
                remarks.append("limits of guest \(guest.name) may be missing: \(problem)")
            }
            let kib = copiesKiB(guest, sample, homes, isLimited: chain.tightest != nil)
            let zeroKiB = UInt64(max(0, guest.ksmStat?.zeroPages ?? 0)).pagesInKiB(sample.pageSize)
            var seen: Set<String> = []
            for limit in chain.limits where limit.maxBytes ?? limit.highBytes != nil && seen.insert(limit.path).inserted
            {
                CgroupNeeds.add(&levels, limit, guest.name, kib, kernelKiB: canCopy(guest) ? zeroKiB : kib)
            }
        }
        for (_, level) in levels.sorted(by: { $0.key < $1.key }) where level.neededKiB > 0 { conclude(level) }
    }

    private static func add(
        _ levels: inout [String: Level],
        _ limit: CgroupLimit,
        _ name: String,
        _ kib: UInt64,
        kernelKiB: UInt64
    ) {
        var level = levels[limit.path] ?? Level(limit: limit, guest: (name, kib))
        // Read twice, the later figure can be either: the larger one is safe.
        level.limit.currentBytes = max(level.limit.currentBytes, limit.currentBytes)
        level.neededKiB = level.neededKiB.plus(kib)
        level.kernelKiB = level.kernelKiB.plus(kernelKiB)
        if kib > level.guest.kib { level.guest = (name, kib) }
        levels[limit.path] = level
    }

    /// Copies that can be charged for one guest, at most.
    private mutating func copiesKiB(_ guest: Guest, _ sample: Sample, _ homes: Homes, isLimited: Bool) -> UInt64 {
        let zero = UInt64(max(0, guest.ksmStat?.zeroPages ?? 0))
        if let merging = guest.mergingPages { return merging.plus(zero).pagesInKiB(sample.pageSize) }
        if homes.tellsMerged, let home = homes[guest] {
            return UInt64(bounded: home.mergedPages(guest)).plus(zero).pagesInKiB(sample.pageSize)
        }
        let places = (sample.ksm.number(.pages_shared) ?? 0).plus(sample.ksm.savedPages ?? 0)
        if isLimited, places > 0 {
            remarks.append("how much of guest \(guest.name) is merged is not known: all of its memory is counted")
        }
        return min(guest.rssKiB, places.pagesInKiB(sample.pageSize))
    }

    private func reserve(_ level: Level) -> UInt64 {
        let least = UnmergePlanner.cgroupReserveKiB(limitKiB: (level.limit.maxBytes ?? 0) / 1024)
        // Less than what is noticed at all cannot be too much.
        guard level.kernelKiB >= UnmergePlanner.cgroupReserveKiB else { return least }
        return max(least, UnmergePlanner.cgroupKernelReserveKiB)
    }

    private mutating func conclude(_ level: Level) {
        if let room = level.limit.headroomKiB {
            needs.append(
                UnmergePlan.Need(
                    place: .cgroup(path: level.limit.path, guest: level.guest.name),
                    neededKiB: level.neededKiB,
                    presentKiB: room,
                    reserveKiB: reserve(level)
                )
            )
        }
        guard let high = level.limit.highBytes else { return }
        let after = (level.limit.currentBytes / 1024).plus(level.neededKiB)
        guard after > high / 1024 else { return }
        let sizes = Sizes(after, high / 1024)
        remarks.append(
            "cgroup \(level.limit.path) may reach \(sizes.text(after)), over its memory.high of \(sizes.text(high / 1024)): "
                + "the kernel slows down what is inside"
        )
    }
}
