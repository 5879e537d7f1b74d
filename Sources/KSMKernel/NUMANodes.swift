import CNuma
import Glibc
package import KSMModel
import KSMText

/// Memory of the NUMA nodes: totals and free memory through libnuma on the running machine, details from
/// `/sys/devices/system/node`.
///
/// Sizes change at run time (hotplug, ballooning) and are never kept.
package final class NUMANodes {
    private let root: KernelRoot
    private let buffer: ReadBuffer
    private let libraryWorks: Bool
    private var meminfo: [Int: KeptFile] = [:]

    package init(_ root: KernelRoot, buffer: ReadBuffer) {
        self.root = root
        self.buffer = buffer
        // Without node directories numa_available() is 0 and numa_max_node() is -1.
        libraryWorks = root.isLive && numa_available() >= 0 && numa_max_node() >= 0
    }

    /// Memory of the nodes that have some, ascending.
    /// - Parameter listed: the nodes with memory (`NodeTopology.withMemory`); none means that the kernel has no NUMA:
    ///   one node with the memory of the host.
    package func read(_ memory: MemoryInfo, of listed: [Int], problems: inout [String]) -> [NodeMemory] {
        guard !listed.isEmpty else { return NUMANodes.wholeHost(memory) }
        var nodes: [NodeMemory] = []
        nodes.reserveCapacity(listed.count)
        for node in listed {
            if let details = details(of: node, problems: &problems) { nodes.append(details) }
        }
        if meminfo.count > listed.count { forgetOthers(than: listed) }
        NodeMemory.fillAvailable(&nodes, hostKiB: memory.memAvailableKiB)
        return nodes
    }

    /// Closes the files of nodes that have gone.
    private func forgetOthers(than listed: [Int]) {
        meminfo = meminfo.filter { listed.contains($0.key) }
    }

    private static func wholeHost(_ memory: MemoryInfo) -> [NodeMemory] {
        guard let total = memory.memTotalKiB, let free = memory.memFreeKiB else { return [] }
        var host = NodeMemory(node: 0, totalKiB: total, freeKiB: free, anonKiB: memory.anonPagesKiB)
        host.availableKiB = memory.memAvailableKiB ?? free
        return [host]
    }

    private func details(of node: Int, problems: inout [String]) -> NodeMemory? {
        let file = meminfo[node] ?? KeptFile(root, "\(NodeTopology.directory)/node\(node)/meminfo", buffer: buffer)
        meminfo[node] = file
        func read() -> NodeMemory? {
            file.readIfPresent(problems: &problems) { NodeMemory.parse($0, node: node) } ?? nil
        }
        guard var details = read() else { return nil }
        // A node that libnuma does not know (it came after libnuma was loaded) is -1: then sysfs alone speaks.
        guard libraryWorks, let fromLibrary = NUMANodes.fromLibrary(node) else { return details }
        // The size may have changed between the two looks (hotplug, ballooning): only a lasting difference is told.
        if fromLibrary.totalKiB != details.totalKiB, let again = read(), let second = NUMANodes.fromLibrary(node),
            again.totalKiB != second.totalKiB
        {
            problems.append(
                "libnuma sees \(second.totalKiB) KiB on node \(node), sysfs \(again.totalKiB) KiB; libnuma's figure is used"
            )
        }
        details.totalKiB = fromLibrary.totalKiB
        details.freeKiB = fromLibrary.freeKiB
        return details
    }

    private static func fromLibrary(_ node: Int) -> (totalKiB: UInt64, freeKiB: UInt64)? {
        var free: Int64 = 0
        let total = numa_node_size64(Int32(node), &free)
        return total >= 0 && free >= 0 ? (UInt64(total) / 1024, UInt64(free) / 1024) : nil
    }
}
