package import KSMModel

/// A node's part of something that is spread over nodes.
package struct NodePart: Equatable, Sendable {
    package var node: Int
    /// 0…1.
    package var share: Double

    package init(node: Int, share: Double) {
        self.node = node
        self.share = share
    }
}

/// Pages by node, as shares.
struct PageCounts {
    /// Nodes with pages, ascending; the shares add up to 1.
    let parts: [NodePart]
    /// All pages; a Double because a sum of counts may not fit.
    let total: Double

    init(_ pages: [Int: UInt64]) {
        // A negative number is the kernel's errno for a page that could not be looked at.
        let known = pages.filter { $0.key >= 0 && $0.value > 0 }.sorted { $0.key < $1.key }
        let total = known.reduce(0) { $0 + Double($1.value) }
        self.total = total
        parts = known.map { NodePart(node: $0.key, share: Double($0.value) / total) }
    }

    /// All pages of a guest, merged or not.
    init(_ placement: GuestPlacement) {
        self.init(placement.own.merging(placement.merged) { $0.plus($1) })
    }
}

/// Where a guest's memory belongs.
///
/// Merged within nodes, a page never left its node, so all pages tell. Merged over all nodes, a merged page can lie
/// anywhere, so the pages that are not merged tell, when there are enough of them.
package struct HomeDistribution: Equatable, Sendable {
    /// Sampled pages that tell enough: with 100 a share is right within 10 points (95 %).
    static let enoughPages: Double = 100
    /// The same where few were sampled: this part of all samples.
    static let enoughShare = 0.01
    /// A node with this much of the guest's memory is one of its homes: the guest spans nodes.
    static let homeShare = 0.25

    /// Nodes with a part of it, ascending; the shares add up to 1.
    package var parts: [NodePart]
    /// The node with most; of two with as much the lower number.
    package var home: Int
    /// `home` and every node with at least a quarter, ascending.
    package var homeNodes: [Int]

    /// - Parameter scope: how the pages have been merged; `nil` counts as over all nodes.
    /// - Returns: `nil` when no page's node is known.
    package init?(_ placement: GuestPlacement, scope: MergeScope?) {
        let all = PageCounts(placement)
        let own = PageCounts(placement.own)
        let tells = own.total >= HomeDistribution.enoughPages || own.total >= all.total * HomeDistribution.enoughShare
        self.init(scope != .local && tells && own.total > 0 ? own.parts : all.parts)
    }

    private init?(_ parts: [NodePart]) {
        guard var most = parts.first else { return nil }
        for part in parts where part.share > most.share { most = part }
        self.parts = parts
        home = most.node
        homeNodes = parts.filter { $0.share >= HomeDistribution.homeShare || $0.node == most.node }.map(\.node)
    }

    /// The part of one node, 0…1.
    package func share(of node: Int) -> Double { parts.first { $0.node == node }?.share ?? 0 }
}
