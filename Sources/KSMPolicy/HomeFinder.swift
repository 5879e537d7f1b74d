package import KSMModel

/// Finds for each page of a guest the node where its own copy belongs, area by area in address order.
///
/// Merged within nodes, a page never left its node, so the copy belongs where the page lies. Merged over all nodes, a
/// page can lie anywhere: its copy belongs where the guest's nearest page that is not merged lies, which keeps a guest
/// that spans nodes as it was laid out. Where no neighbour tells, the guest's nodes get their part, a batch at a time.
package struct HomeFinder {
    /// One page as it is found: the node where it lies (negative where that is not known, and for the zero page), and
    /// whether it is to be copied.
    package struct Page: Equatable, Sendable {
        package var node: Int32
        package var isMerged: Bool

        package init(node: Int32, isMerged: Bool) {
            self.node = node
            self.isMerged = isMerged
        }
    }

    private let scope: MergeScope
    private let homes: [NodePart]
    /// Pages that were given to each of `homes` because nothing else told.
    private var given: [Double]
    /// The node of the last page that lay where it belongs.
    private var last: Int32?

    /// - Parameters:
    ///   - scope: how the pages were merged.
    ///   - home: where the guest's memory belongs, for pages that have no neighbour to tell.
    package init(scope: MergeScope, home: HomeDistribution?) {
        self.scope = scope
        homes = home.map { home in home.parts.filter { home.homeNodes.contains($0.node) } } ?? []
        given = homes.map { _ in 0 }
    }

    /// A new area begins: the neighbours of the last one say nothing about it.
    package mutating func beginArea() { last = nil }

    /// The node for each page; a page that is not merged stays where it is.
    ///
    /// - Parameter pages: pages that follow one another, holes left out.
    /// - Returns: as many nodes; negative where nothing tells.
    package mutating func targets(_ pages: [Page]) -> [Int32] {
        var targets = pages.map(\.node)
        defer { last = pages.last { tells($0) }?.node ?? last }
        let next = nextTelling(pages)
        let nothingTells = last == nil && next.first.flatMap { $0 } == nil
        let home = nothingTells ? nextHome(for: pages.count { $0.isMerged }) : nil
        var before: (node: Int32, distance: Int)? = last.map { ($0, 1) }
        for index in pages.indices {
            if tells(pages[index]) {
                before = (pages[index].node, 0)
            } else if pages[index].isMerged {
                targets[index] = nearest(before, next[index]) ?? home ?? pages[index].node
            }
            if let known = before { before = (known.node, known.distance + 1) }
        }
        return targets
    }

    /// The one of the guest's nodes that is most behind its part gets so many pages.
    private mutating func nextHome(for pages: Int) -> Int32? {
        let all = given.reduce(Double(pages), +)
        let behind = homes.indices.max { homes[$0].share * all - given[$0] < homes[$1].share * all - given[$1] }
        guard let behind else { return nil }
        given[behind] += Double(pages)
        return Int32(truncatingIfNeeded: homes[behind].node)
    }

    private func tells(_ page: Page) -> Bool { page.node >= 0 && (!page.isMerged || scope == .local) }

    /// For each page the next one that lies where it belongs: its node and how far it is.
    private func nextTelling(_ pages: [Page]) -> [(node: Int32, distance: Int)?] {
        var result = [(node: Int32, distance: Int)?](repeating: nil, count: pages.count)
        var next: (node: Int32, distance: Int)?
        for index in pages.indices.reversed() {
            if let known = next { next = (known.node, known.distance + 1) }
            if tells(pages[index]) { next = (pages[index].node, 0) }
            result[index] = next
        }
        return result
    }

    private func nearest(_ before: (node: Int32, distance: Int)?, _ next: (node: Int32, distance: Int)?) -> Int32? {
        guard let before else { return next?.node }
        guard let next else { return before.node }
        return next.distance < before.distance ? next.node : before.node
    }
}
