package import KSMModel

/// Which nodes are short of memory, and which of those that guests live on is worst off.
///
/// The host's sum hides a full node: a guest bound to it is in trouble although the host has memory. The threshold is
/// the classic one, in percent of each node. No memory of earlier ticks: what is short now is reported now.
package struct NodeActivation: Equatable, Sendable {
    /// A node counts as a guest's when this much of the guest's sampled memory lies there, in percent.
    static let guestPercent: UInt64 = 10

    /// All nodes with memory, in the sample's order.
    package var nodes: [NodePressure]
    /// The node with guests that misses most of its threshold, as a share of it; `nil` when none is short.
    package var worst: NodePressure?
    /// `node-short`, `nodes-enough` or `no-node-figures`, with the sentence for status and journal.
    package var reason: Reason

    /// - Parameters:
    ///   - homes: where the guests live, as kept from tick to tick; `nil` makes it of the sample's survey.
    ///   - thresholdPercent: of a node's memory, taken between 0 and 100 (`ClassicParameters.thresholdPercent`).
    package init(_ sample: Sample, homes: Homes? = nil, thresholdPercent: Int64) {
        let hosts = GuestNodes(sample, homes ?? Homes(sample))
        let nodes = sample.nodes.filter { $0.totalKiB > 0 }
            .map { memory in
                NodePressure(
                    node: memory.node,
                    totalKiB: memory.totalKiB,
                    availableKiB: memory.availableKiB ?? memory.freeKiB,
                    thresholdKiB: memory.totalKiB.percent(thresholdPercent),
                    hasGuests: hosts.contains(memory.node)
                )
            }
        let worst = NodeActivation.worst(nodes)
        self.nodes = nodes
        self.worst = worst
        reason = NodeActivation.reason(nodes, worst, thresholdPercent)
    }

    /// Of two that miss the same share the first.
    private static func worst(_ nodes: [NodePressure]) -> NodePressure? {
        var worst: NodePressure?
        for node in nodes where node.hasGuests && node.shortKiB > 0 {
            guard let found = worst else {
                worst = node
                continue
            }
            if shortage(node) > shortage(found) { worst = node }
        }
        return worst
    }

    /// What is missing, as a share of the threshold.
    private static func shortage(_ node: NodePressure) -> Double { Double(node.shortKiB) / Double(node.thresholdKiB) }

    private static func reason(_ nodes: [NodePressure], _ worst: NodePressure?, _ percent: Int64) -> Reason {
        guard !nodes.isEmpty else {
            return Reason(code: "no-node-figures", sentence: "no node's memory could be read")
        }
        guard let worst else { return enough(nodes, percent) }
        let sizes = Sizes(worst.totalKiB)
        let sentence =
            "node \(worst.node) is short: \(sizes.text(worst.availableKiB)) of \(sizes.text(worst.totalKiB)) are "
            + "available, below its threshold of \(sizes.text(worst.thresholdKiB))"
        return Reason(
            code: "node-short",
            sentence: sentence,
            fields: [
                Reason.Field(.node, worst.node), Reason.Field(.nodeTotalKiB, worst.totalKiB),
                Reason.Field(.nodeAvailableKiB, worst.availableKiB),
                Reason.Field(.nodeThresholdKiB, worst.thresholdKiB),
            ]
        )
    }

    private static func enough(_ nodes: [NodePressure], _ percent: Int64) -> Reason {
        let short = nodes.filter { $0.shortKiB > 0 }.map(\.node)
        let rest =
            short.isEmpty ? "" : "; \(Words.nodes(short)) \(short.count == 1 ? "is" : "are") short, without guests"
        return Reason(
            code: "nodes-enough",
            sentence: "every node that guests live on has its threshold of \(percent) % available\(rest)"
        )
    }
}

/// The nodes that guests live on.
private struct GuestNodes {
    /// Nodes that are known to have some; `nil` where a guest has not been looked at, so that any node could be its own.
    private let known: Set<Int>?
    private let topology: Topology

    init(_ sample: Sample, _ homes: Homes) {
        topology = sample.topology
        known = GuestNodes.surveyed(sample, homes)
    }

    private static func surveyed(_ sample: Sample, _ homes: Homes) -> Set<Int>? {
        guard homes.isSurveyed else { return nil }
        var nodes: Set<Int> = []
        for guest in sample.guests {
            guard let places = homes[guest]?.places else { return nil }
            for node in places { nodes.insert(node) }
        }
        return nodes
    }

    /// A node without CPUs counts only when a guest's memory has been seen there.
    func contains(_ node: Int) -> Bool {
        if let known { return known.contains(node) }
        guard let found = topology.node(node) else { return true }
        return !found.cpus.isEmpty
    }
}
