import KSMModel

/// Which shortages of nodes are known already: a node that stays near its threshold is one piece of news.
package struct ShortNodes: Sendable {
    private var known: Set<Int> = []

    package init() {}

    /// Takes in how the nodes stand.
    ///
    /// A shortage is over when an eighth more than the threshold is available again, the guests have gone, or the node.
    /// - Returns: whether that is news: another node is the worst off, or none is short any more.
    package mutating func take(_ activation: NodeActivation) -> Bool {
        let before = known
        known = known.filter { number in
            activation.nodes.contains { $0.node == number && $0.hasGuests && !ShortNodes.isOver($0) }
        }
        if let worst = activation.worst?.node { return known.insert(worst).inserted && !before.contains(worst) }
        return known.isEmpty && !before.isEmpty
    }

    private static func isOver(_ node: NodePressure) -> Bool {
        node.availableKiB >= node.thresholdKiB.plus(node.thresholdKiB / 8)
    }
}
