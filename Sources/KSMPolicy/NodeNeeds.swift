import KSMModel

/// What each node has to hold while everything is un-shared.
///
/// Merged within nodes, each copy lies beside the page that it was: the promise of the node. Merged over all nodes, a
/// kept page may be given back last, on whichever node it lies: then a node needs room for all copies that belong on it.
/// Nothing is spilled to other nodes: a home without room is a need that is not met.
struct NodeNeeds {
    private(set) var needs: [UnmergePlan.Need] = []
    private(set) var remarks: [String] = []

    /// - Parameter reachable: nodes that copies can be placed on; `nil` is all.
    init(_ sample: Sample, _ homes: Homes, _ reachable: [Int]?) {
        let copies = Copies(sample, homes)
        let targets = sample.nodes.filter { reachable?.contains($0.node) ?? true }
        let room = RoomShares(targets)
        let strays = strays(copies, targets.map(\.node), homes.isLocal)
        remark(copies, strays, sample, targets)
        for memory in sample.nodes {
            let own = targets.contains { $0.node == memory.node } ? pages(copies, memory.node, homes.isLocal) : 0
            let pages = own + (copies.anywhere + strays.reduce(0) { $0 + $1.pages }) * room[memory.node]
            needs.append(need(memory, sample.nodes.count == 1 ? sample.ksm.savedPages ?? 0 : whole(pages), sample))
        }
    }

    private func need(_ memory: NodeMemory, _ pages: UInt64, _ sample: Sample) -> UnmergePlan.Need {
        UnmergePlan.Need(
            place: .node(memory.node),
            neededKiB: pages.pagesInKiB(sample.pageSize),
            presentKiB: memory.availableKiB ?? memory.freeKiB,
            reserveKiB: UnmergePlanner.nodeReserveKiB(totalKiB: memory.totalKiB)
        )
    }

    private func pages(_ copies: Copies, _ node: Int, _ isLocal: Bool) -> Double {
        isLocal ? copies.net(node) : copies.most(node)
    }

    private func whole(_ pages: Double) -> UInt64 { UInt64(bounded: pages.rounded(.up)) }

    /// Copies that belong on nodes where none can be placed.
    private func strays(_ copies: Copies, _ targets: [Int], _ isLocal: Bool) -> [(node: Int, pages: Double)] {
        copies.nodes.subtracting(targets).sorted()
            .map { ($0, pages(copies, $0, isLocal)) }
            .filter { $0.1 >= 1 }
    }

    // MARK: Remarks

    private mutating func remark(
        _ copies: Copies,
        _ strays: [(node: Int, pages: Double)],
        _ sample: Sample,
        _ targets: [NodeMemory]
    ) {
        guard sample.nodes.count > 1 else { return }
        for stray in strays {
            remarks.append(
                "node \(stray.node) is out of reach (it is not in this process' cpuset, or has no memory): "
                    + "\(size(stray.pages, sample)) that belong there will lie on "
                    + (targets.isEmpty ? "other nodes" : Words.nodes(targets.map(\.node)))
            )
        }
        let others = copies.anywhere - copies.ofGuests
        // Counters are read one after the other: less than a hundredth is noise.
        let noise = Double(sample.ksm.savedPages ?? 0) / 100
        if copies.ofGuests > noise {
            remarks.append(
                "where \(size(copies.ofGuests, sample)) of guests belong is not known: they are counted by the nodes' room"
            )
        }
        if others > noise {
            remarks.append(
                "\(size(others, sample)) belong to processes that are no guests, or to guests that cannot be told: they "
                    + "are counted by the nodes' room"
            )
        }
    }

    private func size(_ pages: Double, _ sample: Sample) -> String {
        let kib = whole(pages).pagesInKiB(sample.pageSize)
        return Sizes(kib).text(kib)
    }
}
