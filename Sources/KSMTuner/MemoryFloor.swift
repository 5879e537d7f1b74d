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
    /// The limits of each guest that has some.
    private var groups: [Group]
    /// Nodes that were above half their reserve when the child began.
    private var sound: [Int] = []
    private var host = MemoryInfo()
    private var nodes: [NodeMemory] = []
    private var readNanoseconds: UInt64 = 0

    private struct Group {
        let guest: String
        let watch: CgroupMemory.Watch
        /// In KiB, when the child began.
        var room: UInt64 = .max
        /// When it can be full at the earliest: CLOCK_MONOTONIC.
        var due: UInt64 = 0
    }

    /// What the kernel can charge to a cgroup in a millisecond, in KiB: 4 GiB a second.
    ///
    /// Twice what was measured on 6.18.
    private static let kibPerMillisecond: UInt64 = 4096

    init(_ sampler: Sampler, reachable: [Int], groups: [(guest: String, watch: CgroupMemory.Watch)]) {
        self.sampler = sampler
        self.reachable = reachable
        self.groups = groups.map { Group(guest: $0.guest, watch: $0.watch) }
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

    /// Notes what room there is before the kernel makes copies by itself.
    func noteStart() {
        for index in groups.indices { groups[index].room = groups[index].watch.headroomKiB() ?? .max }
        refresh()
        sound = nodes.filter { !isLow($0) }.map(\.node)
    }

    /// How often to look while the kernel makes copies: it can fill a cgroup between two looks.
    var lookMilliseconds: Int32 { groups.isEmpty ? 10 : 1 }

    /// - Throws: when a cgroup's room has gone into copies down to its reserve; one that was full before is let be.
    func checkGroups() throws(UnmergeStop) {
        let now = Clock.monotonicNanoseconds()
        for index in groups.indices where groups[index].due <= now {
            guard let room = groups[index].watch.headroomKiB() else { continue }
            let reserve = UnmergePlanner.cgroupKernelReserveKiB
            let spare = room > reserve ? room - reserve : 0
            groups[index].due = now &+ min(spare / MemoryFloor.kibPerMillisecond, 1000) * 1_000_000
            guard spare == 0, groups[index].room > room, groups[index].room - room >= UnmergePlanner.cgroupReserveKiB
            else { continue }
            throw UnmergeStop(
                .aborted,
                "the memory cgroup of \(groups[index].guest) has \(size(room)) left under its limit; more copies would "
                    + "get the guest killed"
            )
        }
    }

    /// - Throws: when a node has fallen under half its reserve since the child began: bound memory can go nowhere else.
    func checkNodes() throws(UnmergeStop) {
        refresh()
        for memory in nodes where isLow(memory) && sound.contains(memory.node) { throw low(memory) }
    }

    /// A node has no room over its reserve, and copies that belong there go elsewhere.
    /// - Throws: when they do not, and it has fallen under half the reserve.
    func checkSpilled(_ node: Int) throws(UnmergeStop) {
        guard reachable.contains(node), let memory = nodes.first(where: { $0.node == node }), isLow(memory) else {
            return
        }
        throw low(memory)
    }

    private func isLow(_ memory: NodeMemory) -> Bool {
        memory.availableKiB ?? memory.freeKiB < UnmergePlanner.nodeReserveKiB(totalKiB: memory.totalKiB) / 2
    }

    private func low(_ memory: NodeMemory) -> UnmergeStop {
        let reserve = size(UnmergePlanner.nodeReserveKiB(totalKiB: memory.totalKiB))
        return UnmergeStop(
            .aborted,
            "node \(memory.node) has \(size(memory.availableKiB ?? memory.freeKiB)) of memory left, far less than the "
                + "\(reserve) that have to stay free"
        )
    }

    /// Whether a node has that much over its reserve.
    func hasRoom(_ node: Int, kib: UInt64) -> Bool {
        refresh()
        guard room(node) >= kib else { return false }
        return take(node, kib) == node
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
