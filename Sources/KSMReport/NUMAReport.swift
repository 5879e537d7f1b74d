package import KSMModel

/// What `ksmctl numa` shows: nodes, distances, guests by node, and where memory is merged.
package struct NUMAReport: Sendable {
    /// One guest and where its memory lies.
    package struct Guest: Equatable, Sendable {
        /// A part of the guest's memory that lies on one node.
        package struct Part: Equatable, Sendable {
            package var node: Int
            /// 0…1 of what is resident.
            package var share: Double

            /// The part on `node`.
            package init(node: Int, share: Double) {
                self.node = node
                self.share = share
            }
        }

        package var name: String
        package var pid: Int32
        package var startTicks: UInt64
        package var rssBytes: UInt64
        package var mergedBytes: UInt64?
        /// Where most of its memory lies; `nil` where nobody has looked.
        package var home: Int?
        /// The largest first; empty where nobody has looked.
        package var parts: [Part]
        /// Share of its merged pages that lie on another node than its home.
        package var remoteShare: Share?

        /// What a sample says, completed by what a survey found.
        /// - Parameters:
        ///   - placement: where its pages lie; `nil` where nobody has looked.
        ///   - home: the node where most of them lie.
        package init(
            _ guest: KSMModel.Guest,
            pageSize: UInt64,
            placement: GuestPlacement?,
            home: Int?,
            remoteShare: Share?
        ) {
            name = guest.name
            pid = guest.pid
            startTicks = guest.startTicks
            rssBytes = bytes(guest.rssKiB)
            mergedBytes = guest.mergingPages.map { $0.multipliedReportingOverflow(by: pageSize).partialValue }
            self.home = home
            self.remoteShare = remoteShare
            parts = placement.map(Self.parts) ?? []
        }

        private static func parts(_ placement: GuestPlacement) -> [Part] {
            let nodes = Set(placement.own.keys).union(placement.merged.keys)
            let all = nodes.reduce(0.0) { $0 + Double(placement.pages(on: $1)) }
            guard all > 0 else { return [] }
            return nodes.map { Part(node: $0, share: Double(placement.pages(on: $0)) / all) }
                .filter { $0.share > 0 }
                .sorted { ($1.share, $0.node) < ($0.share, $1.node) }
        }
    }

    /// Nodes that are online, with their CPUs and distances.
    package var topology: Topology
    package var numa: StateReport.NUMA
    package var guests: [Guest] = []
    /// What is in force: set by hand, else as configured.
    package var setting: ScopeSetting
    /// What `auto` would choose, and why; `nil` where it could not be found out.
    package var auto: StateReport.NUMA.Scope?
    /// What is known to hurt on this machine, one sentence each, with what shows it.
    package var warnings: [String] = []
    /// What could not be read, a sentence each.
    package var problems: [String] = []
    /// What the operator can do about it, if anything.
    package var remedy: String?
    /// The daemon whose decision is shown; `nil` when none runs.
    package var daemonPID: Int32?
    /// CLOCK_REALTIME of the machine; `nil` where it is not known, and then no age is shown.
    package var nowRealtimeSeconds: UInt64?

    /// A machine with its nodes; the rest is filled in.
    package init(topology: Topology, numa: StateReport.NUMA, setting: ScopeSetting) {
        self.topology = topology
        self.numa = numa
        self.setting = setting
    }

    /// Guests whose home is `node`.
    func guestsAtHome(on node: Int) -> Int { guests.reduce(0) { $0 + ($1.home == node ? 1 : 0) } }

    /// Seconds from `moment` to now; `nil` where either is unknown.
    func age(of moment: UInt64?) -> UInt64? {
        guard let moment, let nowRealtimeSeconds else { return nil }
        return nowRealtimeSeconds >= moment ? nowRealtimeSeconds - moment : 0
    }
}
