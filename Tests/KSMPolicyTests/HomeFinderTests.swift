import KSMModel
import KSMPolicy
import Testing

@Suite("Where a page's own copy belongs")
struct HomeFinderTests {
    private let spanning = HomeDistribution(GuestPlacement(1, own: [0: 500, 3: 500]), scope: .across)

    private func own(_ node: Int32) -> HomeFinder.Page { .init(node: node, isMerged: false) }
    private func merged(_ node: Int32) -> HomeFinder.Page { .init(node: node, isMerged: true) }

    @Test("Merged over all nodes a page belongs where the nearest page that is not merged lies")
    func nearest() {
        var finder = HomeFinder(scope: .across, home: spanning)
        let pages = [own(0), merged(7), merged(7), merged(7), merged(7), own(3), merged(7)]
        #expect(finder.targets(pages) == [0, 0, 0, 3, 3, 3, 3])
        // The last of the batch before is a neighbour; the first of an area has none before it.
        #expect(finder.targets([merged(7), merged(7), own(0)]) == [3, 0, 0])
        finder.beginArea()
        #expect(finder.targets([merged(7), merged(7), own(3)]) == [3, 3, 3])
    }

    @Test("Merged within nodes a page belongs where it lies, and the zero page where its neighbour does")
    func local() {
        var finder = HomeFinder(scope: .local, home: spanning)
        #expect(finder.targets([own(0), merged(3), merged(-14), own(0)]) == [0, 3, 3, 0])
    }

    @Test("Where no neighbour tells, each of the guest's nodes gets its part")
    func parts() {
        for (own, parts) in [([0: 500, 3: 500], [0: 50, 3: 50]), ([0: 750, 3: 250], [0: 75, 3: 25])] {
            let home = HomeDistribution(GuestPlacement(1, own: own.mapValues { UInt64($0) }), scope: .across)
            var finder = HomeFinder(scope: .across, home: home)
            var given: [Int32: Int] = [:]
            for _ in 0..<100 {
                let targets = finder.targets([merged(7), merged(7)])
                #expect(targets[0] == targets[1])
                given[targets[0], default: 0] += 1
            }
            #expect(given == Dictionary(uniqueKeysWithValues: parts.map { (Int32($0), $1) }))
        }
    }

    @Test("A guest of which nothing is known keeps its pages where they are")
    func unknown() {
        var finder = HomeFinder(scope: .across, home: nil)
        #expect(finder.targets([merged(7), merged(-14)]) == [7, -14])
        #expect(finder.targets([]) == [])
    }
}
