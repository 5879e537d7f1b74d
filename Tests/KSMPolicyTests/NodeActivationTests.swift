import KSMModel
import KSMPolicy
import Testing

@Suite("NodeActivation finds the node that is short where guests live")
struct NodeActivationTests {
    /// Two guests on node 1, one on node 0.
    private func machine(_ available: [UInt64]) -> Sample {
        var sample = Sample(available: available)
        sample.guests = [Guest(1, rssKiB: GiB), Guest(2, rssKiB: GiB)]
        sample.survey = Survey([GuestPlacement(1, own: [0: 1000]), GuestPlacement(2, own: [1: 900, 2: 89, 3: 100])])
        return sample
    }

    @Test("One node nearly full, host half empty: that node, at the first tick")
    func oneNodeFull() throws {
        let activation = NodeActivation(machine([15 * GiB, 1 * GiB]), thresholdPercent: 20)
        let worst = try #require(activation.worst)
        #expect(worst.node == 1)
        #expect(worst.thresholdKiB == 16 * GiB / 5)
        #expect(worst.shortKiB == 16 * GiB / 5 - GiB)
        #expect(activation.reason.code == "node-short")
        #expect(
            activation.reason.sentence
                == "node 1 is short: 1.0 GiB of 16.0 GiB are available, below its threshold of 3.2 GiB"
        )
        #expect(activation.reason["NODE"] == "1")
    }

    @Test("A node that holds less than a tenth of every guest does not count, a tenth does")
    func tenth() {
        // 89 of 1089 and 100 of 1089 are under a tenth.
        let under = NodeActivation(machine([15 * GiB, 15 * GiB, 0, 0]), thresholdPercent: 20)
        #expect(under.worst == nil)
        #expect(under.nodes.map(\.hasGuests) == [true, true, false, false])
        #expect(under.nodes[2].shortKiB > 0)
        #expect(under.reason.sentence.hasSuffix("nodes 2 and 3 are short, without guests"))
        var sample = machine([15 * GiB, 15 * GiB, 0, 0])
        sample.survey?.guests[1].own = [1: 900]
        sample.survey?.guests[1].merged = [3: 100]
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 3)
    }

    @Test("Without a survey, and while one guest has not been looked at, every node with CPUs counts")
    func unknown() {
        var sample = machine([15 * GiB, 15 * GiB, 0])
        sample.topology.nodes[1].cpus = []
        sample.survey = nil
        #expect(NodeActivation(sample, thresholdPercent: 20).nodes.map(\.hasGuests) == [true, false, true])
        sample = machine([15 * GiB, 15 * GiB, 0])
        #expect(NodeActivation(sample, thresholdPercent: 20).worst == nil)
        sample.guests.append(Guest(3, rssKiB: GiB))
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 2)
        sample.guests[2] = Guest(2, rssKiB: GiB)
        sample.guests[2].startTicks = 77
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 2)
    }

    @Test("A node without CPUs counts when a guest's memory was seen there")
    func slow() {
        var sample = machine([15 * GiB, 1 * GiB])
        sample.topology.nodes[1].cpus = []
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 1)
    }

    @Test("The worst is the one that misses the largest share of its threshold; of two alike the first")
    func relative() {
        var sample = machine([3 * GiB, 2 * GiB])
        // 0.2 of 3.2 GiB are missing on node 0, 1.2 on node 1.
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 1)
        // A small node that misses half is worse off than a large one that misses more in GiB.
        sample.nodes[0].totalKiB = 1 * GiB
        sample.nodes[0].availableKiB = 50 * MiB
        #expect(NodeActivation(sample, thresholdPercent: 20).worst?.node == 0)
        #expect(NodeActivation(machine([1 * GiB, 1 * GiB]), thresholdPercent: 20).worst?.node == 0)
    }

    @Test("Where availability is not told, free memory counts; a node without memory is no node")
    func free() {
        var sample = machine([15 * GiB, 15 * GiB])
        sample.nodes[1].availableKiB = nil
        sample.nodes[1].freeKiB = 1 * GiB
        sample.nodes.append(NodeMemory(node: 9, totalKiB: 0, freeKiB: 0))
        let activation = NodeActivation(sample, thresholdPercent: 20)
        #expect(activation.worst?.availableKiB == GiB)
        #expect(activation.nodes.map(\.node) == [0, 1])
        #expect(NodeActivation(Sample(available: []), thresholdPercent: 20).reason.code == "no-node-figures")
    }

    @Test("At the threshold a node is not short, one KiB below it is", arguments: [Int64(1), 20, 50, 100])
    func threshold(_ percent: Int64) {
        let exact = 16 * GiB / 100 * UInt64(percent) + 16 * GiB % 100 * UInt64(percent) / 100
        #expect(NodeActivation(machine([exact, 16 * GiB]), thresholdPercent: percent).worst == nil)
        #expect(NodeActivation(machine([exact - 1, 16 * GiB]), thresholdPercent: percent).worst?.shortKiB == 1)
    }

    /// Whether each is news: KiB available on both nodes, whose threshold is 3.2 GiB.
    private func news(_ steps: [[UInt64]]) -> [Bool] {
        var short = ShortNodes()
        return steps.map { short.take(NodeActivation(machine($0), thresholdPercent: 20)) }
    }

    @Test("A node that stays near its threshold is one piece of news; it is over with an eighth more available")
    func hovering() {
        let (under, over, enough) = (16 * GiB / 5 - 1, 16 * GiB / 5, 16 * GiB / 5 * 9 / 8 + 1)
        let states = [enough, under, over, under, over, enough, enough, under]
        #expect(news(states.map { [15 * GiB, $0] }) == [false, true, false, false, false, true, false, true])
    }

    @Test("Two short nodes that take turns at being the worst are told once each")
    func turns() {
        let (bad, worse) = (2 * GiB, 1 * GiB)
        #expect(news([[bad, worse], [worse, bad], [bad, worse], [worse, bad]]) == [true, true, false, false])
        // The one that was not the worst is told when it is; the end when both have enough.
        let steps = [[bad, worse], [bad, 15 * GiB], [15 * GiB, 15 * GiB], [15 * GiB, 15 * GiB]]
        #expect(news(steps) == [true, true, true, false])
    }

    @Test("A short node whose guests go, or that goes itself, is forgotten")
    func gone() {
        let sample = machine([15 * GiB, 1 * GiB])
        var (left, alone) = (sample, sample)
        left.guests.removeLast()
        alone.nodes.removeLast()
        var short = ShortNodes()
        let news = [sample, left, sample, alone].map { short.take(NodeActivation($0, thresholdPercent: 20)) }
        #expect(news == [true, true, true, true])
    }

    @Test("Whatever the figures: no trap, and what is worst is short and has guests")
    func extremes() {
        for sample in Sample.extremes {
            for percent in [Int64.min, -1, 0, 20, 100, 101, .max] {
                let activation = NodeActivation(sample, thresholdPercent: percent)
                for node in activation.nodes { #expect(node.thresholdKiB <= node.totalKiB) }
                if let worst = activation.worst { #expect(worst.hasGuests && worst.shortKiB > 0) }
            }
        }
    }
}
