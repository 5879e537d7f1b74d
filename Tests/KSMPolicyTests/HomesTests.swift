import KSMModel
import KSMPolicy
import Testing

@Suite("Homes: where guests' memory belongs, and how much of it is elsewhere")
struct HomesTests {
    @Test("Merged over all nodes, the pages that are not merged tell")
    func own() throws {
        let placement = GuestPlacement(1, own: [0: 75, 1: 25], merged: [1: 900])
        let across = try #require(HomeDistribution(placement, scope: .across))
        #expect(across.home == 0)
        #expect(across.homeNodes == [0, 1])
        #expect(across.share(of: 0) == 0.75)
        #expect(HomeDistribution(placement, scope: nil) == across)
        #expect(try #require(HomeDistribution(placement, scope: .local)).home == 1)
    }

    @Test(
        "Too few pages that are not merged do not tell: 100, or one in a hundred, do",
        arguments: [
            (own: UInt64(99), merged: UInt64(100_000), home: 1), (100, 100_000, 0), (10, 990, 0), (9, 991, 1),
            (0, 5, 1),
        ]
    )
    func enough(_ own: UInt64, _ merged: UInt64, _ home: Int) throws {
        let placement = GuestPlacement(1, own: [0: own], merged: [1: merged])
        #expect(try #require(HomeDistribution(placement, scope: .across)).home == home)
    }

    @Test("A quarter makes a node a home, less does not; of two with as much the lower number is the home")
    func spans() throws {
        let quarter = try #require(HomeDistribution(GuestPlacement(1, own: [3: 500, 5: 250, 7: 250]), scope: .across))
        #expect(quarter.homeNodes == [3, 5, 7])
        let less = try #require(HomeDistribution(GuestPlacement(1, own: [3: 502, 5: 249, 7: 249]), scope: .across))
        #expect(less.homeNodes == [3])
        let even = try #require(HomeDistribution(GuestPlacement(1, own: [4: 500, 2: 500]), scope: .across))
        #expect(even.home == 2)
        // Five nodes with a fifth each: none has a quarter, the home is one all the same.
        let five = GuestPlacement(1, own: [0: 20, 1: 20, 2: 20, 3: 20, 4: 20])
        #expect(try #require(HomeDistribution(five, scope: .across)).homeNodes == [0])
    }

    @Test("Shares add up to 1 and ascend by node; nothing sampled, or no known node, gives none")
    func shares() {
        var dice = Dice(1)
        for pid in 1...500 {
            var placement = GuestPlacement(Int32(pid))
            for node in -1...4 {
                placement.own[node] = dice.next(3) == 0 ? nil : dice.next(2000)
                placement.merged[node] = dice.next(3) == 0 ? nil : dice.next(2000)
            }
            for scope in [MergeScope.local, .across] {
                guard let home = HomeDistribution(placement, scope: scope) else { continue }
                #expect(abs(home.parts.reduce(0) { $0 + $1.share } - 1) < 1e-9)
                #expect(home.parts.map(\.node) == home.parts.map(\.node).sorted())
                #expect(home.homeNodes.contains(home.home) && home.parts.allSatisfy { $0.node >= 0 })
                #expect(home.parts.allSatisfy { $0.share <= home.share(of: home.home) })
            }
        }
        #expect(HomeDistribution(GuestPlacement(1), scope: .across) == nil)
        #expect(HomeDistribution(GuestPlacement(1, own: [-1: 500]), scope: .across) == nil)
    }

    /// Guests at home on node 0 with `remote` of `samples` merged pages on node 1.
    private func machine(_ guests: [(remote: UInt64, samples: UInt64, merging: UInt64?)], step: Double) -> Sample {
        var sample = Sample(available: [8 * GiB, 8 * GiB])
        for (index, guest) in guests.enumerated() {
            let pid = Int32(index + 1)
            sample.guests.append(Guest(pid, rssKiB: GiB, merging: guest.merging))
            let merged = [0: guest.samples - guest.remote, 1: guest.remote]
            let placement = GuestPlacement(pid, own: [0: 1000], merged: merged, step: step)
            sample.survey = Survey((sample.survey?.guests ?? []) + [placement])
        }
        return sample
    }

    @Test("The remote share weighs each guest by its merged pages: as counted, else as sampled")
    func weights() throws {
        let counted = machine([(90, 100, 3000), (0, 100, 1000)], step: 10)
        #expect(abs(try #require(Homes(counted).remoteShare(counted.guests)).value - 0.675) < 1e-9)
        let sampled = machine([(90, 100, nil), (0, 300, nil)], step: 10)
        #expect(abs(try #require(Homes(sampled).remoteShare(sampled.guests)).value - 0.225) < 1e-9)
        let mixed = machine([(90, 100, 1000), (0, 300, nil)], step: 10)
        #expect(abs(try #require(Homes(mixed).remoteShare(mixed.guests)).value - 0.225) < 1e-9)
        #expect(abs(try #require(Homes(mixed)[mixed.guests[0]]?.remoteShare).value - 0.9) < 1e-9)
    }

    @Test(
        "A full count has no error; none of n is not ±0 but about 3 of n",
        arguments: [UInt64(30), 100, 1000, 100_000]
    )
    func error(_ samples: UInt64) throws {
        let full = machine([(samples / 3, samples, samples)], step: 1)
        #expect(try #require(Homes(full).remoteShare(full.guests)).error == 0)
        let none = machine([(0, samples, nil)], step: 1e9)
        let share = try #require(Homes(none).remoteShare(none.guests))
        #expect(share.value == 0)
        // Wilson's upper end is z² ÷ (n + z²).
        #expect(share.error >= 3 / Double(samples + 4) && share.error <= 4 / Double(samples))
        let all = machine([(samples, samples, nil)], step: 1e9)
        #expect(try #require(Homes(all).remoteShare(all.guests)).error >= 3 / Double(samples + 4))
    }

    @Test("Half of all pages looked at makes the error smaller by √½")
    func finite() throws {
        let half = machine([(50, 100, nil)], step: 2)
        let few = machine([(50, 100, nil)], step: 1e9)
        let ratio =
            try #require(Homes(half).remoteShare(half.guests)).error
            / #require(Homes(few).remoteShare(few.guests)).error
        #expect(abs(ratio - 0.5.squareRoot()) < 1e-6)
    }

    @Test("The true share lies within the error in at least 93 of 100 surveys", arguments: [1.0, 5, 30, 50, 95])
    func coverage(_ percent: Double) throws {
        var dice = Dice(UInt64(percent) + 7)
        var hits = 0
        let surveys = 1000
        for _ in 0..<surveys {
            // Three guests; the second has half the share of the first, the third has none.
            let truths = [percent / 100, percent / 200, 0]
            let weights: [UInt64] = [5000, 3000, 2000]
            let guests = (0..<3).map { index in
                let remote = (0..<200).reduce(0 as UInt64) { count, _ in
                    count + (Double(dice.next(1_000_000)) < truths[index] * 1_000_000 ? 1 : 0)
                }
                return (remote: remote, samples: UInt64(200), merging: UInt64?.some(weights[index]))
            }
            let sample = machine(guests, step: 1e9)
            let share = try #require(Homes(sample).remoteShare(sample.guests))
            let truth = truths[0] * 0.5 + truths[1] * 0.3
            if abs(share.value - truth) <= share.error { hits += 1 }
        }
        #expect(hits >= surveys * 93 / 100, "\(hits)")
    }

    @Test("A guest with merged pages of which none was sampled can have any share")
    func unsampled() throws {
        let sample = machine([(10, 100, 1000), (0, 0, 1000)], step: 10)
        let share = try #require(Homes(sample).remoteShare(sample.guests))
        #expect(abs(share.value - 0.1) < 1e-9)
        #expect(share.error >= 0.45)
        #expect(Homes(machine([(0, 0, 1000)], step: 10)).remoteShare(sample.guests) == nil)
    }

    @Test("A guest with another's pid is nobody; a guest that was not looked at does not count")
    func strangers() throws {
        var sample = machine([(10, 100, 1000), (90, 100, 1000)], step: 10)
        sample.guests[1].startTicks += 1
        #expect(abs(try #require(Homes(sample).remoteShare(sample.guests)).value - 0.1) < 1e-9)
        #expect(Homes(sample)[sample.guests[1]] == nil)
        #expect(Homes(nil, scope: .across).remoteShare(sample.guests) == nil)
    }

    @Test("Merged memory by node, weighed by what the kernel counts")
    func byNode() {
        let sample = machine([(25, 100, 4 * gibPages), (0, 100, 2 * gibPages)], step: 10)
        let found = Homes(sample).mergedKiB(sample.guests, pageSize: 4096)
        #expect(found.map(\.node) == [0, 1])
        #expect(found.map(\.kib) == [5 * GiB, 1 * GiB])
    }

    @Test("Kept over ticks, made anew with another survey or another scope")
    func kept() {
        var sample = machine([(25, 100, nil)], step: 10)
        var homes = Homes(sample)
        sample.survey?.guests[0].own = [1: 1000]
        homes.update(sample)
        #expect(homes[sample.guests[0]]?.home.home == 0)
        sample.survey?.monotonicNanoseconds = 1
        homes.update(sample)
        #expect(homes[sample.guests[0]]?.home.home == 1)
        sample.survey?.guests[0].merged = [0: 90_000]
        sample.scope = .local
        homes.update(sample)
        #expect(homes[sample.guests[0]]?.home.home == 0)
    }

    @Test("Whatever the figures: no trap, shares and errors within 0…1")
    func extremes() {
        for sample in Sample.extremes {
            let homes = Homes(sample)
            _ = homes.mergedKiB(sample.guests, pageSize: .max)
            for share in [homes.remoteShare(sample.guests)] + sample.guests.map({ homes[$0]?.remoteShare }) {
                guard let share else { continue }
                #expect((0...1).contains(share.value) && (0...1).contains(share.error), "\(share)")
            }
        }
    }
}
