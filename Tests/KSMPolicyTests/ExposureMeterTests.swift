import KSMModel
import KSMPolicy
import Testing

@Suite("ExposureMeter: what merged memory promises, and how soon memory ends")
struct ExposureMeterTests {
    /// Guest 1 at home on node 0, guests 2 to 4 on node 1, all with the same GiB of pages, kept on node 1.
    private func machine(_ available: [UInt64], at seconds: UInt64 = 0, breaks: UInt64? = nil) -> Sample {
        var sample = Sample(available: available, at: seconds)
        sample.merge(shared: gibPages, sharing: 3 * gibPages)
        sample.guests = (1...4).map { Guest($0, rssKiB: 2 * GiB, merging: gibPages) }
        sample.survey = Survey(
            (1...4).map { pid in
                GuestPlacement(pid, own: [pid == 1 ? 0 : 1: 1000], merged: [1: 1000], step: 262)
            }
        )
        sample.events.cow_ksm = breaks
        return sample
    }

    private func exposure(_ sample: Sample) throws -> Exposure {
        var meter = ExposureMeter()
        return try #require(meter.step(sample).exposure)
    }

    @Test("The promise is what is saved; by node it is copies that belong there less what is given back there")
    func promise() throws {
        let found = try exposure(machine([2 * GiB, 1 * GiB]))
        #expect(found.host == Exposure.Place(node: nil, promisedKiB: 3 * GiB, availableKiB: 3 * GiB))
        #expect(found.nodes.map(\.promisedKiB) == [1 * GiB, 2 * GiB])
        #expect(found.nodes.map(\.shortKiB) == [0, 1 * GiB])
        #expect(found.host.shortKiB == 0)
    }

    @Test("Merged within nodes, the promise lies where the merged pages lie")
    func local() throws {
        var sample = machine([8 * GiB, 8 * GiB])
        sample.scope = .local
        // Whatever the other pages say.
        sample.survey?.guests[0].own = [0: 100_000]
        #expect(try exposure(sample).nodes.map(\.promisedKiB) == [0, 3 * GiB])
    }

    @Test("Zero pages count, on their guest's home and on the host")
    func zero() throws {
        var sample = machine([8 * GiB, 8 * GiB])
        sample.ksm[.ksm_zero_pages] = .signed(Int64(2 * gibPages))
        sample.guests[0].ksmStat = KSMStat()
        sample.guests[0].ksmStat?.zeroPages = Int64(2 * gibPages)
        let found = try exposure(sample)
        #expect(found.host.promisedKiB == 5 * GiB)
        #expect(found.nodes.map(\.promisedKiB) == [3 * GiB, 2 * GiB])
    }

    @Test("What belongs to nobody known is spread by room; on one node all of it is there")
    func others() throws {
        var sample = machine([6 * GiB, 2 * GiB])
        sample.survey = nil
        #expect(try exposure(sample).nodes.map(\.promisedKiB) == [9 * GiB / 4, 3 * GiB / 4])
        sample.guests = []
        #expect(try exposure(sample).nodes.map(\.promisedKiB) == [9 * GiB / 4, 3 * GiB / 4])
        var single = machine([6 * GiB])
        single.survey = nil
        #expect(try exposure(single).nodes.map(\.promisedKiB) == [3 * GiB])
    }

    @Test("The nodes' promises add up to the host's within a page each, however guests lie")
    func sum() throws {
        var dice = Dice(3)
        for _ in 0..<200 {
            var sample = Sample(available: [8 * GiB, 4 * GiB, 2 * GiB])
            sample.guests = (1...6).map { Guest(Int32($0), rssKiB: GiB, merging: dice.next(gibPages)) }
            let places = sample.guests.reduce(0) { $0 + ($1.mergingPages ?? 0) } + dice.next(1000)
            let shared = places / 20
            sample.merge(shared: shared, sharing: places - shared)
            // Every guest has some pages on every node, so that no node gets back more than it takes.
            sample.survey = Survey(
                (1...6).map { pid in
                    let own = [0: 300 + dice.next(99), 1: 300 + dice.next(99), 2: 300 + dice.next(99)]
                    return GuestPlacement(Int32(pid), own: own, merged: [Int(dice.next(3)): 100])
                }
            )
            let found = try exposure(sample)
            let sum = found.nodes.reduce(0) { $0 + $1.promisedKiB }
            #expect(max(sum, found.host.promisedKiB) - min(sum, found.host.promisedKiB) <= 12)
        }
    }

    // MARK: Rate

    /// Runs samples at these seconds and counts of breaks; the last reading.
    private func run(_ points: [(seconds: UInt64, breaks: UInt64?)], available: [UInt64] = [1 << 20, 1 << 20])
        -> Exposure?
    {
        var meter = ExposureMeter()
        return points.map { meter.step(machine(available, at: $0.seconds, breaks: $0.breaks)).exposure }.last ?? nil
    }

    @Test("No rate before two samples, none where the kernel does not count")
    func noRate() throws {
        #expect(try #require(run([(0, 5)])).breaksPerSecond == nil)
        #expect(try #require(run([(0, nil), (60, nil)])).breaksPerSecond == nil)
        #expect(try #require(run([(0, 5), (60, nil)])).breaksPerSecond == nil)
    }

    @Test("A rise is believed within two samples, at any interval", arguments: [UInt64(1), 5, 60, 600])
    func rise(_ interval: UInt64) throws {
        var points: [(UInt64, UInt64?)] = (0...100).map { ($0 * interval, 0) }
        points.append((101 * interval, 1000 * interval))
        points.append((102 * interval, 2000 * interval))
        #expect(abs(try #require(run(points)?.breaksPerSecond) - 1000) < 1)
    }

    @Test("A steady rate is found exactly", arguments: [UInt64(1), 10, 60, 900])
    func steady(_ interval: UInt64) throws {
        let points: [(UInt64, UInt64?)] = (0...50).map { ($0 * interval, 7 + $0 * interval * 250) }
        #expect(abs(try #require(run(points)?.breaksPerSecond) - 250) < 1e-6)
    }

    @Test("After the end of a burst the rate falls within some minutes, not at once")
    func fall() throws {
        var points: [(UInt64, UInt64?)] = (0...300).map { ($0, $0 * 1000) }
        points += (301...360).map { ($0, 300_000) }
        let minute = try #require(run(points)?.breaksPerSecond)
        #expect(minute > 700 && minute < 1000)
        points += (361...1500).map { ($0, 300_000) }
        #expect(try #require(run(points)?.breaksPerSecond) < 50)
    }

    @Test("One short burst at the start does not count for minutes")
    func start() throws {
        let points: [(UInt64, UInt64?)] = [(0, 0), (1, 100_000)] + (2...60).map { ($0, 100_000) }
        #expect(try #require(run(points)?.breaksPerSecond) < 2000)
    }

    @Test("A counter that falls, and time that stands still, bring no rate")
    func reset() throws {
        #expect(try #require(run([(0, 1_000_000), (60, 5)])).breaksPerSecond == nil)
        #expect(try #require(run([(0, 5), (0, 1_000_000)])).breaksPerSecond == nil)
        #expect(abs(try #require(run([(0, 900), (60, 0), (120, 600)])?.breaksPerSecond) - 10) < 1e-9)
    }

    @Test("Our own un-sharing does not count, neither while it goes on nor in the tick in which it ends")
    func ownUnsharing() throws {
        var meter = ExposureMeter()
        var found: Exposure?
        let flags = [false, false, true, true, false, false]
        let counts: [UInt64] = [0, 600, 1_000_000, 2_000_000, 3_000_000, 3_000_600]
        for (index, isOurs) in flags.enumerated() {
            let sample = machine([GiB, GiB], at: UInt64(index) * 60, breaks: counts[index])
            found = meter.step(sample, ignoreBreaks: isOurs).exposure
        }
        #expect(abs(try #require(found?.breaksPerSecond) - 10) < 1e-9)
    }

    @Test("When nothing is merged the past is forgotten")
    func nothingMerged() throws {
        var meter = ExposureMeter()
        _ = meter.step(machine([GiB, GiB], at: 0, breaks: 0))
        _ = meter.step(machine([GiB, GiB], at: 60, breaks: 60_000_000))
        var empty = machine([GiB, GiB], at: 120, breaks: 60_000_000)
        empty.merge(shared: 0, sharing: 0)
        #expect(try #require(meter.step(empty).exposure).breaksPerSecond == nil)
        let after = meter.step(machine([GiB, GiB], at: 180, breaks: 60_000_000)).exposure
        #expect(try #require(after).breaksPerSecond == 0)
    }

    // MARK: A scanner that stands

    /// Promised GiB, in hundredths, after steps of (`run`, breaks so far in GiB, `pages_sharing` in GiB, full scans).
    private func promised(_ steps: [(run: UInt64, breaks: Double, sharing: Double, scans: UInt64)]) -> [UInt64] {
        var meter = ExposureMeter()
        return steps.enumerated().map { second, step in
            let breaks = UInt64(step.breaks * Double(gibPages))
            var sample = machine([8 * GiB, 8 * GiB], at: UInt64(second), breaks: 1_000_000 + breaks)
            sample.ksm[.pages_sharing] = .unsigned(UInt64(step.sharing * Double(gibPages)))
            if step.sharing == 0 { sample.ksm[.pages_shared] = .unsigned(0) }
            sample.ksm[.run] = .unsigned(step.run)
            sample.ksm[.full_scans] = .unsigned(step.scans)
            let exposure = meter.step(sample).exposure
            let nodes = exposure?.nodes.reduce(0) { $0 + $1.promisedKiB } ?? 0
            #expect(nodes.distance(to: exposure?.host.promisedKiB ?? 0).magnitude <= 12)
            return ((exposure?.host.promisedKiB ?? 0) * 100 + GiB / 2) / GiB
        }
    }

    @Test("What guests have written since the scanner stands is promised no longer, though the kernel still counts it")
    func standing() {
        // One break takes √¾ pages of memory: four users of each page.
        #expect(promised([(0, 0, 3, 5), (0, 1, 3, 5), (0, 2, 3, 5)]) == [300, 213, 127])
        #expect(promised([(0, 0, 3, 5), (0, 40, 3, 5)]) == [300, 0])
    }

    @Test("When the scanner goes on, what it takes out is not counted twice, and after two passes it has seen all")
    func goesOn() {
        let steps: [(run: UInt64, breaks: Double, sharing: Double, scans: UInt64)] = [
            (0, 0, 3, 5), (0, 1, 3, 5), (1, 1, 3, 5), (1, 1, 2.5, 6), (1, 1, 2, 6), (1, 1, 2, 7), (1, 1, 3, 8),
        ]
        let found = promised(steps)
        #expect(found.prefix(3) == [300, 213, 213])
        #expect(found[3] > 200 && found[3] < 225, "\(found)")
        #expect(found.suffix(3) == [200, 200, 300])
    }

    @Test("While the scanner is at work, its own counters are right; what was un-shared has no past")
    func atWork() {
        #expect(promised([(1, 0, 3, 5), (1, 1, 3, 5)]) == [300, 300])
        #expect(promised([(0, 0, 3, 5), (0, 1, 3, 5), (2, 1, 0, 5), (1, 1, 3, 5)]) == [300, 213, 0, 300])
    }

    // MARK: Time left

    @Test(
        "Guests that diverge until memory ends: the time said holds within a factor of 1.5",
        arguments: [2 as UInt64, 3, 8, 64]
    )
    func timeLeft(_ users: UInt64) throws {
        let contents = 100_000 as UInt64
        // Either all guests write everything, page by page, or one after the other.
        for isPageByPage in [true, false] {
            let available = contents * (users - 1) / 2
            let rate = 1000 as UInt64
            var meter = ExposureMeter()
            var said: [UInt64] = []
            for second in 0...2 as ClosedRange<UInt64> {
                var sample = Sample(available: [available * 4], at: second)
                sample.merge(shared: contents, sharing: contents * (users - 1))
                sample.events.cow_ksm = second * rate
                said.append(meter.step(sample).exposure?.secondsUntilShort ?? 0)
            }
            // Page by page each content takes users − 1 pages for users breaks; one after the other each break takes one.
            let breaks = isPageByPage ? available * users / (users - 1) : available
            let truth = Double(breaks) / Double(rate)
            #expect(Double(said[2]) < truth * 1.5 && Double(said[2]) > truth / 1.5, "\(said) \(truth)")
        }
    }

    @Test("Of host and nodes the one that ends first counts, each with its part of the promise")
    func firstPlace() throws {
        // Node 1 has 2 of 3 GiB of the promise and 0.5 GiB; the host has more than enough.
        let found = try #require(run([(0, 0), (60, 60_000)], available: [8 * GiB, GiB / 2]))
        let kibPerSecond = 1000 * 4 * 0.75.squareRoot()
        let expected = Double(GiB / 2) / (kibPerSecond * 2 / 3)
        #expect(abs(Double(try #require(found.secondsUntilShort)) - expected) <= 1)
    }

    @Test("No time where memory holds everything, or nothing is written")
    func noTime() throws {
        #expect(try #require(run([(0, 0), (60, 60_000)], available: [8 * GiB, 8 * GiB])).secondsUntilShort == nil)
        #expect(try #require(run([(0, 9), (60, 9)], available: [GiB, GiB])).secondsUntilShort == nil)
    }

    // MARK: Without figures

    @Test("Without counters or memory there is no exposure")
    func blind() {
        var meter = ExposureMeter()
        #expect(meter.step(Sample(monotonicNanoseconds: 0, pageSize: 4096)).exposure == nil)
        var sample = machine([GiB, GiB])
        (sample.memory.memAvailableKiB, sample.memory.memFreeKiB) = (nil, nil)
        #expect(meter.step(sample).exposure == nil)
    }

    @Test("Whatever the figures: no trap")
    func extremes() {
        var meter = ExposureMeter()
        for sample in Sample.extremes {
            for pageSize in [0, 1, 4096, 65_536, UInt64.max] {
                var sample = sample
                sample.pageSize = pageSize
                let reading = meter.step(sample)
                #expect(reading.exposure?.nodes.count == 3)
                if let rate = reading.exposure?.breaksPerSecond { #expect(rate >= 0 && rate.isFinite) }
            }
        }
    }
}
