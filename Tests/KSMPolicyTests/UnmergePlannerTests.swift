import KSMModel
import KSMPolicy
import Testing

@Suite("UnmergePlanner: what un-sharing takes, and whether memory holds it")
struct UnmergePlannerTests {
    /// Two guests with the same GiB merged, at home on nodes 0 and 1, the kept pages on node 1.
    func machine(_ available: [UInt64] = [8 * GiB, 8 * GiB], scope: MergeScope = .across) -> Sample {
        var sample = Sample(available: available)
        sample.scope = scope
        sample.merge(shared: gibPages, sharing: gibPages)
        sample.guests = [Guest(1, rssKiB: 4 * GiB, merging: gibPages), Guest(2, rssKiB: 3 * GiB, merging: gibPages)]
        sample.survey = Survey([
            GuestPlacement(1, own: [0: 1000], merged: [1: 300], step: 800),
            GuestPlacement(2, own: [1: 1000], merged: [1: 300], step: 800),
        ])
        return sample
    }

    func plan(
        _ sample: Sample,
        cgroups: [(guest: Guest, chain: CgroupChain)] = [],
        reachable: [Int]? = nil,
        canPlacePages: Bool = true,
        kernelCopies: Set<Int32> = []
    ) -> UnmergePlan {
        UnmergePlanner.plan(
            sample,
            homes: Homes(sample),
            cgroups: cgroups,
            reachableNodes: reachable,
            canPlacePages: canPlacePages,
            kernelCopies: kernelCopies
        )
    }

    func need(_ plan: UnmergePlan, _ place: UnmergePlan.Place) throws -> UnmergePlan.Need {
        try #require(plan.needs.first { $0.place == place })
    }

    // MARK: Host

    @Test("The host needs what is saved, zero pages too, with its reserve")
    func host() throws {
        var sample = machine()
        sample.ksm[.ksm_zero_pages] = .signed(Int64(gibPages / 2))
        let plan = plan(sample)
        let need = try need(plan, .host)
        #expect(plan.pages == gibPages * 3 / 2)
        #expect(need.neededKiB == GiB * 3 / 2)
        #expect(need.presentKiB == 16 * GiB)
        #expect(need.reserveKiB == 32 * GiB / 50)
    }

    @Test("Memory holds it to the last KiB, and not with one less", arguments: [UInt64(64), 3000, 1 << 18, 1 << 22])
    func exactly(_ pages: UInt64) throws {
        var sample = machine()
        sample.merge(shared: 1, sharing: pages)
        sample.memory.memAvailableKiB = pages * 4 + 32 * GiB / 50
        #expect(try need(plan(sample), .host).isMet)
        sample.memory.memAvailableKiB = pages * 4 + 32 * GiB / 50 - 1
        #expect(try !need(plan(sample), .host).isMet)
        #expect(plan(sample).unmet.contains { $0.place == .host })
    }

    @Test("Reserves: 2 % of host and node and 1 % of a limit, but 64, 16 and 4 MiB at least")
    func reserves() {
        #expect(UnmergePlanner.hostReserveKiB(totalKiB: 0) == 64 * MiB)
        #expect(UnmergePlanner.hostReserveKiB(totalKiB: 3200 * MiB) == 64 * MiB)
        #expect(UnmergePlanner.hostReserveKiB(totalKiB: 3300 * MiB) == 66 * MiB)
        #expect(UnmergePlanner.nodeReserveKiB(totalKiB: 0) == 16 * MiB)
        #expect(UnmergePlanner.nodeReserveKiB(totalKiB: 1000 * MiB) == 20 * MiB)
        #expect(UnmergePlanner.cgroupReserveKiB == 4 * MiB)
        #expect(UnmergePlanner.cgroupReserveKiB(limitKiB: 0) == 4 * MiB)
        #expect(UnmergePlanner.cgroupReserveKiB(limitKiB: 500 * MiB) == 5 * MiB)
    }

    @Test("Nothing merged: nothing needed, and met whatever memory there is")
    func nothing() {
        var sample = machine([0, 0])
        sample.merge(shared: 0, sharing: 0)
        for index in sample.guests.indices { sample.guests[index].mergingPages = 0 }
        let plan = plan(sample)
        #expect(plan.unmet.isEmpty && plan.remarks.isEmpty && plan.pages == 0)
        #expect(plan.needs.map(\.neededKiB) == [0, 0, 0])
    }

    // MARK: Nodes

    @Test("Merged over all nodes: each copy where it belongs; what is kept there may be given back last")
    func across() throws {
        let plan = plan(machine())
        #expect(try need(plan, .node(0)).neededKiB == GiB)
        #expect(try need(plan, .node(1)).neededKiB == GiB)
        #expect(try need(plan, .node(1)).reserveKiB == 16 * GiB / 50)
        #expect(plan.remarks.isEmpty)
    }

    @Test("Merged within nodes: each copy beside its page, less what is given back there")
    func local() throws {
        let plan = plan(machine(scope: .local))
        #expect(try need(plan, .node(0)).neededKiB == 0)
        #expect(try need(plan, .node(1)).neededKiB == GiB)
    }

    @Test("A guest that spans nodes needs room on each, by what it has there")
    func spans() throws {
        var sample = machine()
        sample.survey?.guests[0].own = [0: 750, 1: 250]
        #expect(try need(plan(sample), .node(0)).neededKiB == 3 * GiB / 4)
        #expect(try need(plan(sample), .node(1)).neededKiB == 5 * GiB / 4)
    }

    @Test("A home without room is not met, although the host has enough: nothing is spilled")
    func nodeShort() {
        let plan = plan(machine([1 * GiB, 8 * GiB]))
        #expect(plan.unmet.map(\.place) == [.node(0)])
    }

    @Test("One node needs what the host needs, without remarks")
    func oneNode() throws {
        var sample = machine([8 * GiB])
        #expect(try need(plan(sample), .node(0)).neededKiB == GiB)
        sample.guests = []
        sample.survey = nil
        #expect(try need(plan(sample), .node(0)).neededKiB == GiB)
        #expect(plan(sample, canPlacePages: false).remarks.isEmpty)
    }

    @Test("What belongs to no guest, and what is not surveyed, is spread by room and remarked")
    func unknown() throws {
        var sample = machine([6 * GiB, 2 * GiB])
        sample.merge(shared: gibPages, sharing: 3 * gibPages)
        let others = plan(sample)
        // 2 of 4 GiB of places are nobody's: less their part of what is kept, 1.5 GiB.
        #expect(try need(others, .node(0)).neededKiB == GiB + 9 * GiB / 8)
        #expect(try need(others, .node(1)).neededKiB == GiB + 3 * GiB / 8)
        #expect(
            others.remarks.count == 1 && others.remarks[0].hasPrefix("1.5 GiB belong to processes that are no guests")
        )
        sample = machine([6 * GiB, 2 * GiB])
        sample.survey = nil
        let blind = plan(sample)
        #expect(try need(blind, .node(0)).neededKiB == 3 * GiB / 4)
        #expect(blind.remarks == ["where 1.0 GiB of guests belong is not known: they are counted by the nodes' room"])
    }

    @Test("A hundredth that belongs to nobody is noise of reading the counters, not a remark")
    func noise() {
        var sample = machine()
        sample.merge(shared: gibPages, sharing: gibPages + gibPages / 100)
        #expect(plan(sample).remarks.isEmpty)
        sample.merge(shared: gibPages, sharing: gibPages + gibPages / 20)
        #expect(plan(sample).remarks.count == 1)
    }

    @Test("Nodes out of reach: what belongs there is counted where it can lie, and said")
    func reachable() throws {
        let one = plan(machine(), reachable: [1])
        #expect(try need(one, .node(0)).neededKiB == 0)
        #expect(try need(one, .node(1)).neededKiB == 2 * GiB)
        #expect(one.remarks.count == 1 && one.remarks[0].hasPrefix("node 0 is out of reach"))
        #expect(one.remarks[0].hasSuffix("1.0 GiB that belong there will lie on node 1"))
        #expect(plan(machine(), reachable: [0, 1, 7]).remarks.isEmpty)
        #expect(plan(machine(), reachable: []).remarks.count == 2)
        // A node whose memory has gone offline since the survey.
        var sample = machine([8 * GiB, 8 * GiB, 8 * GiB])
        sample.survey?.guests[0].own = [9: 1000]
        #expect(plan(sample).remarks.count == 1)
    }

    @Test("Counters of processes that have forked are too high: nodes need no more than there are places")
    func forked() throws {
        var sample = machine()
        sample.guests[0].mergingPages = 100 * gibPages
        sample.guests[1].mergingPages = 100 * gibPages
        #expect(try need(plan(sample), .node(0)).neededKiB == GiB)
    }

    @Test("Over a thousand machines: what the nodes need is the host's need or more, never more than all places")
    func sums() {
        var dice = Dice(5)
        for _ in 0..<1000 {
            var sample = Sample(available: [4 * GiB, 8 * GiB, 2 * GiB])
            sample.scope = dice.next(2) == 0 ? .local : .across
            sample.guests = (1...5).map { Guest(Int32($0), rssKiB: GiB, merging: dice.next(gibPages)) }
            sample.survey = Survey(
                (1...5).map { pid in
                    var placement = GuestPlacement(Int32(pid), step: 100)
                    for node in 0...2 {
                        placement.own[node] = dice.next(500)
                        placement.merged[node] = dice.next(500)
                    }
                    return placement
                }
            )
            let places = sample.guests.reduce(dice.next(gibPages)) { $0 + ($1.mergingPages ?? 0) }
            let shared = dice.next(places / 2 + 1)
            sample.merge(shared: shared, sharing: places - shared)
            let reachable: [Int]? = dice.next(3) == 0 ? [0, 2] : nil
            let found = plan(sample, reachable: reachable)
            let nodes = found.needs.dropFirst().reduce(0) { $0 + $1.neededKiB }
            #expect(nodes + 16 >= found.needs[0].neededKiB)
            #expect(nodes <= places * 4 + 16)
        }
    }

    // MARK: Time

    @Test("Stall: the walk through the largest guest; where the kernel copies, its merged memory too")
    func stall() {
        #expect(plan(machine()).stallMilliseconds == 800)
        // 0.5 s for the merged GiB, 0.2 for each of the other three.
        let old = plan(machine(), canPlacePages: false)
        #expect(old.stallMilliseconds == 1100)
        #expect(old.remarks.count == 1 && old.remarks[0].hasPrefix("this kernel (before 5.19)"))
    }

    @Test("Total: 1.5 s per GiB that becomes copies, half a second where the kernel copies, a fifth for the walk")
    func total() {
        // 2 GiB of places, 7 GiB of guests.
        #expect(plan(machine()).totalMilliseconds == 4400)
        #expect(plan(machine(), canPlacePages: false).totalMilliseconds == 2400)
        for sample in Sample.extremes { _ = UnmergePlanner.milliseconds(sample) }
    }

    // MARK: Words

    @Test("Needs as sentences, in one unit each")
    func sentences() {
        func sentence(_ place: UnmergePlan.Place, _ needed: UInt64, _ present: UInt64, _ reserve: UInt64) -> String {
            let need = UnmergePlan.Need(place: place, neededKiB: needed, presentKiB: present, reserveKiB: reserve)
            return UnmergePlanner.sentence(for: need)
        }
        #expect(
            sentence(.node(1), 32 * GiB / 10, 11 * GiB / 10, GiB / 10)
                == "node 1: 3.2 GiB needed, 1.1 GiB there, 0.1 GiB to stay free"
        )
        #expect(
            sentence(.host, 200 * MiB, 100 * MiB, 64 * MiB)
                == "host: 200 MiB needed, 100 MiB there, 64 MiB to stay free"
        )
        #expect(
            sentence(.cgroup(path: "/a", guest: "vm1"), 40, 12, 4)
                == "cgroup /a (guest vm1): 40 KiB needed, 12 KiB there, 4 KiB to stay free"
        )
        #expect(sentence(.host, .max, 0, 0) == "host: 17592186044416.0 GiB needed, 0.0 GiB there, 0.0 GiB to stay free")
    }

    @Test("Whatever the figures: no trap, and a need beyond all numbers is not met")
    func extremes() {
        for sample in Sample.extremes {
            for pageSize in [0, 4096, UInt64.max] {
                var sample = sample
                sample.pageSize = pageSize
                let limits = edges.flatMap { current in
                    edges.map { CgroupLimit(path: "/\($0)", currentBytes: current, maxBytes: $0, highBytes: $0) }
                }
                let chains = sample.guests.map { ($0, CgroupChain(path: "/", limits: limits)) }
                for reachable in [nil, [], [1], [Int.min, .max]] as [[Int]?] {
                    let found = plan(sample, cgroups: chains, reachable: reachable, canPlacePages: false)
                    for need in found.needs { #expect(!UnmergePlanner.sentence(for: need).isEmpty) }
                }
            }
        }
        #expect(!UnmergePlan.Need(place: .host, neededKiB: .max, presentKiB: .max, reserveKiB: 1).isMet)
        #expect(UnmergePlan.Need(place: .host, neededKiB: .max, presentKiB: .max, reserveKiB: 0).isMet)
        // What does not fit is as much as fits, not what is left after 64 bits.
        let most = plan(Sample(everything: .max, step: 1)).needs[0]
        #expect(most.neededKiB == .max && !most.isMet)
        let blind = plan(Sample(monotonicNanoseconds: 0, pageSize: 4096))
        #expect(blind.needs.map(\.place) == [.host] && blind.unmet.isEmpty)
    }
}
