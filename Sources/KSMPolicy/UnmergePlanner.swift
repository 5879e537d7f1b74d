package import KSMModel

/// What un-sharing everything takes, and whether memory holds it: on the host, on each node, in each cgroup.
package enum UnmergePlanner {
    /// What has to stay free on the host: 2 %, at least 64 MiB.
    ///
    /// The kernel begins to reclaim at its high watermark, about 1 % of memory (mm/page_alloc.c, watermark_scale_factor
    /// and min_free_kbytes).
    package static func hostReserveKiB(totalKiB: UInt64) -> UInt64 { max(65_536, totalKiB.percent(2)) }

    /// The same on a node: 2 %, at least 16 MiB.
    package static func nodeReserveKiB(totalKiB: UInt64) -> UInt64 { max(16_384, totalKiB.percent(2)) }

    /// The least that has to stay free under a cgroup's limit: 4 MiB.
    ///
    /// Each CPU charges 64 pages ahead (MEMCG_CHARGE_BATCH of the kernel).
    package static let cgroupReserveKiB: UInt64 = 4096

    /// The same for one limit: 1 %, at least that.
    package static func cgroupReserveKiB(limitKiB: UInt64) -> UInt64 { max(cgroupReserveKiB, limitKiB.percent(1)) }

    /// What stays free under a cgroup's limit where the kernel itself makes copies, in KiB: 8 MiB.
    ///
    /// A millisecond until it is seen and one until the kernel stops, at 4 GiB a second, twice what was measured on 6.18.
    package static let cgroupKernelReserveKiB: UInt64 = 8192

    /// Milliseconds for a GiB, on 6.18 with guests that call mmap all the time (Benchmarks/stall, 1 to 8 GiB each).
    private enum Cost {
        /// Copied page by page, each onto its node: 1.4 to 2.1 s; 0.5 s while guests rest.
        static let copy: UInt64 = 1500
        /// Copied by the kernel (0.49 s).
        static let kernelCopy: UInt64 = 500
        /// Walked through by the kernel while the guest's mmap waits: 150 to 220 ms.
        static let walk: UInt64 = 200
    }

    /// Time that un-sharing everything takes, for guests at work.
    package static func milliseconds(_ sample: Sample, canPlacePages: Bool = true) -> UInt64 {
        let pages = [Attribute.pages_shared, .pages_sharing, .ksm_zero_pages].map { sample.ksm.number($0) ?? 0 }
        let resident = sample.guests.reduce(0 as UInt64) { $0.plus($1.rssKiB) }
        let merged = pages.reduce(0 as UInt64) { $0.plus($1) }.pagesInKiB(sample.pageSize)
        let copy = canPlacePages ? Cost.copy : Cost.kernelCopy
        return merged.times(copy).plus(max(resident, merged).times(Cost.walk)) >> 20
    }

    /// Makes the plan.
    ///
    /// - Parameters:
    ///   - homes: where the copies belong; `Homes(sample)` where it is not kept.
    ///   - cgroups: the limits that hold for each guest.
    ///   - reachableNodes: nodes that this process may take memory from; `nil` is all.
    ///   - canPlacePages: pages can be copied one by one, each onto its node (kernels from 5.19).
    ///   - kernelCopies: processes of which the kernel makes the copies nevertheless.
    package static func plan(
        _ sample: Sample,
        homes: Homes,
        cgroups: [(guest: Guest, chain: CgroupChain)] = [],
        reachableNodes: [Int]? = nil,
        canPlacePages: Bool = true,
        kernelCopies: Set<Int32> = []
    ) -> UnmergePlan {
        func canCopy(_ guest: Guest) -> Bool { canPlacePages && !kernelCopies.contains(guest.pid) }
        let nodes = NodeNeeds(sample, homes, reachableNodes)
        let limits = CgroupNeeds(sample, homes, cgroups, canCopy: canCopy)
        return UnmergePlan(
            pages: sample.ksm.savedPages ?? 0,
            needs: [host(sample)] + nodes.needs + limits.needs,
            stallMilliseconds: stall(sample, canCopy: canCopy),
            totalMilliseconds: milliseconds(sample, canPlacePages: canPlacePages),
            remarks: (canPlacePages || sample.nodes.count < 2 ? [] : [cannotPlace]) + nodes.remarks + limits.remarks
        )
    }

    private static let cannotPlace =
        "this kernel (before 5.19) makes the copies where the process that un-shares runs: not every page can be put "
        + "where it belongs at once"

    private static func host(_ sample: Sample) -> UnmergePlan.Need {
        UnmergePlan.Need(
            place: .host,
            neededKiB: (sample.ksm.savedPages ?? 0).pagesInKiB(sample.pageSize),
            presentKiB: sample.memory.memAvailableKiB ?? sample.memory.memFreeKiB ?? 0,
            reserveKiB: hostReserveKiB(totalKiB: sample.memory.memTotalKiB ?? 0)
        )
    }

    /// The guest that waits longest: for the walk through all of it, and where the kernel copies, for that.
    private static func stall(_ sample: Sample, canCopy: (Guest) -> Bool) -> UInt64 {
        let stalls = sample.guests.map { guest in
            let merged = canCopy(guest) ? 0 : (guest.mergingPages ?? 0).pagesInKiB(sample.pageSize)
            return merged.times(Cost.kernelCopy).plus(guest.rssKiB.minus(merged).times(Cost.walk)) >> 20
        }
        return stalls.max() ?? 0
    }

    /// `node 1: 3.2 GiB needed, 1.1 GiB there, 0.1 GiB to stay free`.
    package static func sentence(for need: UnmergePlan.Need) -> String {
        let sizes = Sizes(need.neededKiB, need.presentKiB, need.reserveKiB)
        let place =
            switch need.place {
            case .host: "host"
            case .node(let node): "node \(node)"
            case .cgroup(let path, let guest): "cgroup \(path) (guest \(guest))"
            }
        return "\(place): \(sizes.text(need.neededKiB)) needed, \(sizes.text(need.presentKiB)) there, "
            + "\(sizes.text(need.reserveKiB)) to stay free"
    }
}
