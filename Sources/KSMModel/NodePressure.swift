/// How a node stands against the threshold under which it is short.
package struct NodePressure: Equatable, Sendable {
    package var node: Int
    package var totalKiB: UInt64
    package var availableKiB: UInt64
    package var thresholdKiB: UInt64
    /// Guests have a tenth or more of their memory here, so that its pressure counts.
    package var hasGuests: Bool

    package init(node: Int, totalKiB: UInt64, availableKiB: UInt64, thresholdKiB: UInt64, hasGuests: Bool) {
        self.node = node
        self.totalKiB = totalKiB
        self.availableKiB = availableKiB
        self.thresholdKiB = thresholdKiB
        self.hasGuests = hasGuests
    }

    /// What is missing to the threshold; 0 when it is met.
    package var shortKiB: UInt64 { thresholdKiB > availableKiB ? thresholdKiB - availableKiB : 0 }
}

/// What would happen if guests stopped having equal pages: merged memory is a promise that they will not.
package struct Exposure: Equatable, Sendable {
    /// The host or one node.
    package struct Place: Equatable, Sendable {
        /// `nil` is the host.
        package var node: Int?
        /// Memory that un-sharing everything would take here.
        package var promisedKiB: UInt64
        package var availableKiB: UInt64

        package init(node: Int?, promisedKiB: UInt64, availableKiB: UInt64) {
            self.node = node
            self.promisedKiB = promisedKiB
            self.availableKiB = availableKiB
        }

        /// How short memory would be; 0 where there is room.
        package var shortKiB: UInt64 { promisedKiB > availableKiB ? promisedKiB - availableKiB : 0 }
    }

    package var host: Place
    package var nodes: [Place]
    /// Shared pages that guests write, per second, lately; `nil` before there were two samples, or where the kernel
    /// does not count them (`cow_ksm`, from 5.19).
    package var breaksPerSecond: Double?
    /// Time until the memory that is available now has gone into copies at that rate; `nil` where it would not.
    package var secondsUntilShort: UInt64?

    package init(host: Place, nodes: [Place], breaksPerSecond: Double? = nil, secondsUntilShort: UInt64? = nil) {
        self.host = host
        self.nodes = nodes
        self.breaksPerSecond = breaksPerSecond
        self.secondsUntilShort = secondsUntilShort
    }
}
