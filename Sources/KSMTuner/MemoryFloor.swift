import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport

/// Watches what memory is left while copies are made, and says which node has room.
final class MemoryFloor {
    /// How old the figures may be: at 2 GiB of copies a second that is 10 MiB, far under every reserve.
    private static let freshNanoseconds: UInt64 = 5_000_000

    private let sampler: Sampler
    /// Nodes that this process may allocate on (its cpuset's).
    private let reachable: [Int]
    /// The limits of each guest that has some, and the room in KiB when the child began.
    private var groups: [(guest: String, watch: CgroupMemory.Watch, room: UInt64)]
    private var host = MemoryInfo()
    private var nodes: [NodeMemory] = []
    private var readNanoseconds: UInt64 = 0

    init(_ sampler: Sampler, reachable: [Int], groups: [(guest: String, watch: CgroupMemory.Watch)]) {
        self.sampler = sampler
        self.reachable = reachable
        self.groups = groups.map { ($0.guest, $0.watch, .max) }
    }

    /// - Throws: when the host's memory has fallen under its reserve.
    func check() throws(UnmergeStop) {
        refresh()
        guard let total = host.memTotalKiB, let available = host.memAvailableKiB else {
            throw UnmergeStop(.aborted, "available memory cannot be read (/proc/meminfo), so nothing is un-shared")
        }
        let reserve = UnmergePlanner.hostReserveKiB(totalKiB: total)
        guard available < reserve else { return }
        throw UnmergeStop(
            .aborted,
            "the host has \(size(available)) of memory left, less than the \(size(reserve)) that have to stay free"
        )
    }

    /// Notes what room the guests' cgroups have before the kernel makes copies by itself.
    func noteGroups() {
        for index in groups.indices { groups[index].room = groups[index].watch.headroomKiB() ?? .max }
    }

    /// - Throws: when a cgroup's room has gone into copies down to its reserve; one that was full before is let be.
    func checkGroups() throws(UnmergeStop) {
        let reserve = UnmergePlanner.cgroupReserveKiB
        for group in groups {
            guard let room = group.watch.headroomKiB(), room < reserve, group.room > room,
                group.room - room >= reserve
            else { continue }
            throw UnmergeStop(
                .aborted,
                "the memory cgroup of \(group.guest) has \(size(room)) left under its limit; more copies would get the "
                    + "guest killed"
            )
        }
    }

    /// The node on which `kib` are to be placed: the wanted one while it has room, else the one with most.
    ///
    /// - Returns: `nil` when no node has room.
    func node(for wanted: Int, kib: UInt64) -> Int? {
        if room(wanted) >= kib, reachable.contains(wanted) { return take(wanted, kib) }
        let best = reachable.max { room($0) < room($1) }
        guard let best, room(best) >= kib else { return nil }
        return take(best, kib)
    }

    /// Nodes over which what is left is spread.
    func nodesWithRoom() -> [Int] {
        refresh()
        return reachable.filter { room($0) > 0 }
    }

    /// Memory of a node over its reserve; 0 for a node that has none.
    private func room(_ node: Int) -> UInt64 {
        guard let memory = nodes.first(where: { $0.node == node }) else { return 0 }
        let available = memory.availableKiB ?? memory.freeKiB
        let reserve = UnmergePlanner.nodeReserveKiB(totalKiB: memory.totalKiB)
        return available > reserve ? available - reserve : 0
    }

    private func take(_ node: Int, _ kib: UInt64) -> Int {
        if let index = nodes.firstIndex(where: { $0.node == node }) {
            let available = nodes[index].availableKiB ?? nodes[index].freeKiB
            nodes[index].availableKiB = available > kib ? available - kib : 0
        }
        return node
    }

    private func refresh() {
        let now = Clock.monotonicNanoseconds()
        guard now &- readNanoseconds > MemoryFloor.freshNanoseconds else { return }
        readNanoseconds = now
        (host, nodes) = sampler.memory()
    }

    private func size(_ kib: UInt64) -> String { Human.size(kib.multipliedReportingOverflow(by: 1024).partialValue) }
}
