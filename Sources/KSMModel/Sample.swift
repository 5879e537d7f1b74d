/// All that one tick saw.
///
/// What could not be read is `nil`, and `problems` says why.
package struct Sample: Sendable {
    /// CLOCK_MONOTONIC, in nanoseconds.
    ///
    /// Policies know no other clock.
    package var monotonicNanoseconds: UInt64
    /// Bytes per page of the host (or of the recorded machine).
    package var pageSize: UInt64
    package var ksm: KSMAttributes
    package var memory: MemoryInfo
    package var pressure: PressureStall?
    package var events: KSMEvents
    package var scanner: ScannerThread?
    /// Nodes with memory, ascending; one node is an array of one.
    package var nodes: [NodeMemory]
    /// All nodes that are online, those without memory too, with their CPUs and distances.
    package var topology: Topology
    package var guests: [Guest]
    /// The last look into the guests' page maps; it is taken now and then, by a process of its own.
    package var survey: Survey?
    /// What could not be read, one sentence each: operation, path, cause.
    package var problems: [String]

    package init(monotonicNanoseconds: UInt64, pageSize: UInt64) {
        self.monotonicNanoseconds = monotonicNanoseconds
        self.pageSize = pageSize
        ksm = KSMAttributes()
        memory = MemoryInfo()
        events = KSMEvents()
        nodes = []
        topology = Topology()
        guests = []
        problems = []
    }

    /// Memory that the guests hold, in KiB, by the metric of the configuration.
    package func committedKiB(_ metric: GuestMetric) -> UInt64 {
        guests.reduce(0) { sum, guest in
            let size = metric == .pss ? guest.pssKiB ?? guest.rssKiB : guest.rssKiB
            return sum.addingReportingOverflow(size).partialValue
        }
    }
}
