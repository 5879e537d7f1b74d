import CNuma
import Glibc
package import KSMModel

/// Measures what memory of each node costs the CPUs of each node.
///
/// A pointer chase: every access needs the one before, over a random cycle of cache lines, so that neither caches nor
/// prefetching help. It reads memory of its own, bound to the node: what a page costs depends on where it lies, not on
/// its being merged, and guests' pages are not touched (reading a merged page from outside can un-share it).
package struct LatencyProbe {
    /// What was measured.
    package struct Outcome: Equatable, Sendable {
        /// For each node with CPUs each node with memory.
        package var latencies: [AccessLatency] = []
        /// Bytes that were read on each node.
        package var bytes: [Int: UInt64] = [:]
        /// What could not be measured, a sentence each.
        package var problems: [String] = []
    }

    /// Runs for each pair of nodes; the median counts.
    static let runs = 5
    /// For all runs together, in nanoseconds; preparing the memory comes on top (60 ms for 64 MiB on a 2022 server).
    static let budgetNanoseconds: UInt64 = 6_000_000_000
    /// No run is longer: 100 ms are a million accesses.
    static let longestRunNanoseconds: UInt64 = 100_000_000
    /// Far more than most caches hold, so that nearly every access goes to memory.
    static let wantedBytes = 64 << 20
    /// Under this much nothing but caches would be measured.
    static let leastBytes = 1 << 20

    private let nodes: [NodeMemory]
    private let topology: Topology

    /// - Parameters:
    ///   - topology: the nodes and their CPUs.
    ///   - nodes: their memory; an eighth of what is free there is used at most.
    package init(_ topology: Topology, _ nodes: [NodeMemory]) {
        self.topology = topology
        self.nodes = nodes
    }

    /// Measures, within ten seconds.
    ///
    /// Moves the calling thread from CPU to CPU and back at the end.
    package func measure() -> Outcome {
        var outcome = Outcome()
        let readers = topology.nodes.filter { !$0.cpus.isEmpty }
        let before = CPUAffinity.current()
        for memory in nodes where memory.totalKiB > 0 {
            measure(memory, from: readers, &outcome)
        }
        if let before { _ = before.apply() }
        outcome.latencies.sort { ($0.cpuNode, $0.memoryNode) < ($1.cpuNode, $1.memoryNode) }
        return outcome
    }

    private func measure(_ memory: NodeMemory, from readers: [Node], _ outcome: inout Outcome) {
        let size = LatencyProbe.size(freeKiB: memory.freeKiB)
        var chain: PointerChain?
        do throws(SystemError) {
            guard size >= LatencyProbe.leastBytes else {
                throw SystemError(operation: "take memory of", path: "node \(memory.node)", errno: ENOMEM)
            }
            chain = try PointerChain(bytes: size, node: hasOneNode ? nil : memory.node)
            outcome.bytes[memory.node] = UInt64(size)
        } catch {
            outcome.problems.append(error.description)
        }
        for reader in readers {
            let time = chain.flatMap { measure($0, from: reader, &outcome) }
            outcome.latencies.append(
                AccessLatency(cpuNode: reader.number, memoryNode: memory.node, nanoseconds: time)
            )
        }
    }

    /// Median time of one access, in nanoseconds; `nil` when no CPU of the node may be used.
    private func measure(_ chain: PointerChain, from reader: Node, _ outcome: inout Outcome) -> Double? {
        guard reader.cpus.contains(where: { CPUAffinity(cpu: $0)?.apply() == true }) else {
            let problem = "Failed to run on a CPU of node \(reader.number): the affinity of this process forbids it"
            if !outcome.problems.contains(problem) { outcome.problems.append(problem) }
            return nil
        }
        let times = (0..<LatencyProbe.runs).map { _ in chain.run(nanoseconds: runNanoseconds) }
        return times.sorted()[LatencyProbe.runs / 2]
    }

    private var hasOneNode: Bool { nodes.count == 1 }

    private var runNanoseconds: UInt64 {
        let pairs = UInt64(max(1, nodes.count * topology.nodes.count))
        return min(
            LatencyProbe.longestRunNanoseconds,
            LatencyProbe.budgetNanoseconds / pairs / UInt64(LatencyProbe.runs)
        )
    }

    /// 64 MiB, or an eighth of what is free where that is less.
    static func size(freeKiB: UInt64) -> Int {
        let eighth = Int(clamping: freeKiB / 8).multipliedReportingOverflow(by: 1024)
        let most = eighth.overflow ? wantedBytes : eighth.partialValue
        return min(wantedBytes, most) & ~4095
    }
}

/// A cycle through memory of one node, one pointer for each cache line.
private final class PointerChain {
    /// Bytes between two pointers: a cache line of every machine that ksmd is built for, or two.
    private static let line = 128
    private let memory: UnsafeMutableRawPointer
    private let length: Int
    /// Where the last run ended: the next goes on from there, over lines that no cache has yet.
    private var position: UnsafeRawPointer

    /// - Parameter node: where the memory has to lie; `nil` on a machine with one node.
    /// - Throws: ENOMEM, or EINVAL where the cpuset of this process does not have the node.
    init(bytes: Int, node: Int?) throws(SystemError) {
        let place = node.map { "node \($0)" } ?? "the host"
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else {
            throw SystemError(operation: "take memory of", path: place, errno: errno)
        }
        self.memory = memory
        length = bytes
        position = UnsafeRawPointer(memory)
        // Without huge pages the time for address translation is measured too; a kernel without them does not matter.
        madvise(memory, bytes, MADV_HUGEPAGE)
        // What cannot be had on this node is an error, not memory of another; preferred would hide it.
        if let node, let cause = PointerChain.bind(memory, bytes, to: node) {
            throw SystemError(operation: "take memory of", path: place, errno: cause)
        }
        link()
    }

    deinit { munmap(memory, length) }

    private static func bind(_ memory: UnsafeMutableRawPointer, _ bytes: Int, to node: Int) -> Int32? {
        guard let mask = numa_allocate_nodemask() else { return ENOMEM }
        defer { numa_bitmask_free(mask) }
        numa_bitmask_setbit(mask, UInt32(truncatingIfNeeded: node))
        // The kernel takes one bit less than it is told (get_nodes of mm/mempolicy.c).
        let result = mbind(memory, UInt(bytes), MPOL_BIND, mask.pointee.maskp, UInt(mask.pointee.size) + 1, 0)
        return result == 0 ? nil : errno
    }

    /// Links all lines to one cycle in random order (Sattolo's shuffle).
    private func link() {
        let count = length / PointerChain.line
        var order = [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = UInt32(truncatingIfNeeded: index) }
            initialized = count
        }
        var random: UInt64 = 0x9e37_79b9_7f4a_7c15
        order.withUnsafeMutableBufferPointer { order in
            var last = count - 1
            while last > 0 {
                // xorshift64: only the order has to be irregular.
                random ^= random << 13
                random ^= random >> 7
                random ^= random << 17
                order.swapAt(last, Int(random % UInt64(last)))
                last -= 1
            }
            for index in 0..<count {
                let target = UnsafeRawPointer(memory) + Int(order[index]) * PointerChain.line
                (memory + index * PointerChain.line).storeBytes(of: target, as: UnsafeRawPointer.self)
            }
        }
    }

    /// Follows the cycle for about that long.
    ///
    /// - Returns: nanoseconds per access.
    func run(nanoseconds: UInt64) -> Double {
        let start = Clock.monotonicNanoseconds()
        var elapsed: UInt64 = 0
        var accesses = 0
        repeat {
            follow(4096)
            accesses += 4096
            elapsed = Clock.monotonicNanoseconds() &- start
        } while elapsed < nanoseconds
        return Double(elapsed) / Double(accesses)
    }

    private func follow(_ count: Int) {
        var place = position
        var left = count
        while left > 0 {
            place = place.load(as: UnsafeRawPointer.self)
            left &-= 1
        }
        position = place
    }
}

/// The CPUs on which a thread may run (sched_setaffinity(2), through libnuma).
private final class CPUAffinity {
    private let mask: UnsafeMutablePointer<bitmask>

    private init?() {
        guard let mask = numa_allocate_cpumask() else { return nil }
        self.mask = mask
    }

    /// One CPU alone; `nil` for a number that this kernel cannot have.
    convenience init?(cpu: Int) {
        self.init()
        guard cpu >= 0, UInt(cpu) < mask.pointee.size else { return nil }
        numa_bitmask_setbit(mask, UInt32(cpu))
    }

    deinit { numa_bitmask_free(mask) }

    /// The calling thread's.
    static func current() -> CPUAffinity? {
        guard let affinity = CPUAffinity(), numa_sched_getaffinity(0, affinity.mask) >= 0 else { return nil }
        return affinity
    }

    /// - Returns: whether the kernel has moved the calling thread there.
    func apply() -> Bool { numa_sched_setaffinity(0, mask) == 0 }
}
