/// Where the kernel lets a process run and take memory from.
package struct AllowedPlaces: Equatable, Sendable {
    /// Nodes of its cpuset (`Mems_allowed_list`), ascending; `nil` where the kernel does not tell (no CONFIG_CPUSETS).
    ///
    /// They may have numbers of nodes that are not online.
    package var nodes: [Int]?
    /// CPUs of its affinity (`Cpus_allowed_list`), ascending.
    package var cpus: [Int]?

    package init(nodes: [Int]? = nil, cpus: [Int]? = nil) {
        self.nodes = nodes
        self.cpus = cpus
    }

    /// Whether memory of that node is within reach; a process whose list is not told can have all.
    package func allows(node: Int) -> Bool { nodes?.contains(node) ?? true }
}
