/// What one access to memory of a node costs a CPU of a node.
package struct AccessLatency: Equatable, Sendable {
    /// The node of the CPU that reads.
    package var cpuNode: Int
    /// The node where the memory lies.
    package var memoryNode: Int
    /// Median of the runs; `nil` where it could not be measured.
    package var nanoseconds: Double?

    package init(cpuNode: Int, memoryNode: Int, nanoseconds: Double?) {
        self.cpuNode = cpuNode
        self.memoryNode = memoryNode
        self.nanoseconds = nanoseconds
    }
}
