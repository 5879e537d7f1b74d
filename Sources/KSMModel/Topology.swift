/// One NUMA node of the machine, with or without memory, with or without processors.
package struct Node: Equatable, Sendable {
    /// The kernel's number; numbers can have holes.
    package var number: Int
    /// Whether the node has memory now (`has_memory`); hotplug changes it.
    package var hasMemory: Bool
    /// The node's CPUs that are online, ascending; empty on a CPU-less node.
    package var cpus: [Int]
    /// Distances to the topology's nodes, in their order; 10 is the node itself.
    ///
    /// Empty where the kernel does not tell them. Source: ACPI SLIT, `nodeN/distance`.
    package var distances: [Int]

    /// The distance of a node to itself (LOCAL_DISTANCE of include/linux/topology.h, and the ACPI SLIT).
    package static let localDistance = 10

    package init(number: Int, hasMemory: Bool, cpus: [Int], distances: [Int] = []) {
        self.number = number
        self.hasMemory = hasMemory
        self.cpus = cpus
        self.distances = distances
    }
}

/// The nodes that are online, ascending; a machine without NUMA is one node with everything.
package struct Topology: Equatable, Sendable {
    package var nodes: [Node]

    package init(nodes: [Node] = []) {
        self.nodes = nodes
    }

    /// Nodes that have memory.
    package var withMemory: [Node] { nodes.filter(\.hasMemory) }

    /// The node of that number, if it is online.
    package func node(_ number: Int) -> Node? { nodes.first { $0.number == number } }

    /// The firmware's distance between two nodes; `nil` where it is not told.
    package func distance(from: Int, to: Int) -> Int? {
        guard let row = node(from)?.distances, row.count == nodes.count,
            let column = nodes.firstIndex(where: { $0.number == to })
        else { return nil }
        return row[column]
    }
}

/// The value of `merge_across_nodes` by name.
///
/// See Documentation/admin-guide/mm/ksm.rst.
package enum MergeScope: String, CaseIterable, Sendable {
    /// 0: equal pages are merged only within their node.
    case local
    /// 1, the kernel's default: over all nodes.
    case across

    /// As the kernel's file has it.
    package var value: String { self == .local ? "0" : "1" }

    /// The scope that an attribute's value stands for.
    package init?(value: UInt64) {
        switch value {
        case 0: self = .local
        case 1: self = .across
        default: return nil
        }
    }
}

/// What the operator wants of `merge_across_nodes`.
package enum ScopeSetting: String, CaseIterable, Sendable {
    /// ksmd chooses by distances, what is merged, memory and an estimate.
    case auto
    case local
    case across
    /// ksmd does not touch the attribute.
    case leave
}
