import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport

/// The copying of one process: which of its pages belong where, and what its cgroup still holds.
final class GuestCopy {
    /// Pages that belong on one node.
    struct Batch {
        var addresses: [UInt] = []
        /// How many of them are known to be merged.
        var merged: UInt64 = 0
    }

    let process: MergedProcess
    private(set) var runs: HomeRuns
    private var finder: HomeFinder
    private let survey: UnmergeSurvey
    private let cgroup: CgroupMemory.Watch?
    private var lastAddress: UInt64 = 0

    init(_ process: MergedProcess, _ survey: UnmergeSurvey) {
        self.process = process
        self.survey = survey
        runs = HomeRuns(pageSize: survey.pageSize)
        finder = HomeFinder(scope: survey.scope, home: survey.home(of: process))
        cgroup = survey.watch(process)
    }

    /// Finds out where the pages of a batch belong, and keeps it in `runs`.
    /// - Parameter runsLeft: how many runs may still be kept.
    func note(_ batch: PageBatch, runsLeft: Int) -> [Int32] {
        let addresses = batch.addresses
        noteGap(addresses[0])
        lastAddress = addresses[addresses.count - 1]
        let targets = finder.targets(
            (0..<batch.count).map { index in
                let node = Int32(batch.node(index) ?? 0)
                return HomeFinder.Page(node: node, isMerged: node < 0 || batch.isMerged(index) ?? false)
            }
        )
        guard survey.isNUMA else { return targets }
        for (index, target) in targets.enumerated() { runs.add(addresses[index], node: target, room: runsLeft) }
        return targets
    }

    /// Where the pages of a batch belong, as it was noted before; the home where nothing was.
    func noted(_ batch: PageBatch) -> [Int32] {
        let home = survey.home(of: process).map { Int32(truncatingIfNeeded: $0.home) } ?? -1
        return batch.addresses.map { runs.node(of: $0) ?? home }
    }

    /// Sorts the pages of a batch that are to be copied by the node where they belong.
    func sort(_ batch: PageBatch, by targets: [Int32]) -> [Int32: Batch] {
        let addresses = batch.addresses
        var batches: [Int32: Batch] = [:]
        for (index, target) in targets.enumerated() {
            let isMerged = batch.isMerged(index) ?? false
            // Where merged pages cannot be told for sure, reading one that is the guest's alone does nothing to it.
            guard survey.copies(process), isMerged || survey.signal != .kpageflags else { continue }
            batches[target, default: Batch()].addresses.append(UInt(addresses[index]))
            if isMerged { batches[target, default: Batch()].merged += 1 }
        }
        return batches
    }

    /// Behind a hole of more than a huge page another area begins, of which the last pages say nothing.
    private func noteGap(_ address: UInt64) {
        if address &- lastAddress > UInt64(PageMap.chunk) * survey.pageSize { finder.beginArea() }
    }

    /// - Throws: when the cgroup, or one above it, does not hold the copies.
    func checkCgroup(_ kib: UInt64) throws(UnmergeStop) {
        guard let room = cgroup?.headroomKiB(), room < kib + UnmergePlanner.cgroupReserveKiB else { return }
        throw UnmergeStop(
            .aborted,
            "the memory cgroup of \(process.name) has \(Human.size(room * 1024)) left under its limit; more copies would "
                + "get the guest killed"
        )
    }
}
