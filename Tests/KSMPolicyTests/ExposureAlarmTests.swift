import KSMModel
import KSMPolicy
import Testing

@Suite("ExposureAlarm: each danger is said once, and again after it has gone")
struct ExposureAlarmTests {
    /// One step of a machine with one GiB merged and these KiB available.
    private func step(
        _ meter: inout ExposureMeter,
        _ available: [UInt64],
        at seconds: UInt64 = 0,
        breaks: UInt64? = nil
    ) -> [ExposureAlarm] {
        var sample = Sample(available: available, at: seconds)
        sample.merge(shared: 64, sharing: gibPages)
        sample.events.cow_ksm = breaks
        return meter.step(sample).alarms
    }

    @Test("Shortness is said when it begins, and again only after the promise was a tenth under what is available")
    func short() throws {
        var meter = ExposureMeter()
        #expect(step(&meter, [GiB]).isEmpty)
        let first = step(&meter, [GiB - 1])
        #expect(first.map(\.kind) == [.short])
        #expect(first.first?.node == nil)
        #expect(step(&meter, [GiB / 2]).isEmpty)
        #expect(step(&meter, [GiB + GiB / 20]).isEmpty)
        #expect(step(&meter, [GiB / 2]).isEmpty)
        #expect(step(&meter, [GiB + GiB / 8]).isEmpty)
        #expect(step(&meter, [GiB / 2]).map(\.kind) == [.short])
    }

    @Test("Each node speaks for itself, with the numbers")
    func nodes() throws {
        var meter = ExposureMeter()
        var sample = Sample(available: [8 * GiB, GiB / 2])
        sample.merge(shared: 0, sharing: 3 * gibPages)
        sample.guests = [Guest(1, rssKiB: 4 * GiB, merging: 3 * gibPages)]
        sample.survey = Survey([GuestPlacement(1, own: [1: 1000])])
        let alarms = meter.step(sample).alarms
        #expect(alarms.map(\.node) == [1])
        let reason = try #require(alarms.first?.reason)
        #expect(
            reason.sentence
                == "if guests stopped having equal pages, node 1 would be short by 2.5 GiB: merging saves 3.0 GiB there, "
                + "0.5 GiB are available"
        )
        #expect(reason["NODE"] == "1" && reason["SHORT_KIB"] == String(5 * GiB / 2))
        // The host is short too, later; node 1 stays silent.
        sample.nodes[0].availableKiB = GiB
        sample.memory.memAvailableKiB = GiB
        #expect(meter.step(sample).alarms.map(\.node) == [nil])
        // A node that has gone and comes back speaks again.
        let both = sample.nodes
        sample.nodes = [both[0], NodeMemory(node: 2, totalKiB: GiB, freeKiB: 9 * GiB)]
        _ = meter.step(sample)
        sample.nodes = both
        #expect(meter.step(sample).alarms.map(\.node) == [1])
    }

    @Test("Under an hour it is said once, and again only after two hours were left")
    func soon() throws {
        var meter = ExposureMeter()
        #expect(step(&meter, [GiB / 2], at: 0, breaks: 0).map(\.kind) == [.short])
        // 512 MiB at 40 breaks of 4 KiB a second: 3277 s.
        var (seconds, breaks) = (0 as UInt64, 0 as UInt64)
        func run(rate: UInt64, ticks: Int) -> [ExposureAlarm] {
            (0..<ticks).flatMap { _ in
                seconds += 60
                breaks += 60 * rate
                return step(&meter, [GiB / 2], at: seconds, breaks: breaks)
            }
        }
        let alarms = run(rate: 40, ticks: 30)
        #expect(alarms.map(\.kind) == [.soon])
        let sentence = try #require(alarms.first?.reason.sentence)
        #expect(
            sentence
                == "guests write 40 shared pages a second: the 512 MiB that the host has available are gone in 54 min"
        )
        #expect(alarms.first?.reason["SECONDS"] == "3276" || alarms.first?.reason["SECONDS"] == "3277")
        #expect(run(rate: 30, ticks: 30).isEmpty)
        #expect(run(rate: 40, ticks: 30).isEmpty)
        #expect(run(rate: 10, ticks: 60).isEmpty)
        #expect(run(rate: 40, ticks: 30).map(\.kind) == [.soon])
    }

    @Test(
        "While the rate still rises the time left is not said, unless memory ends within four ticks",
        arguments: [60, 30_000]
    )
    func rising(_ rate: UInt64) {
        var meter = ExposureMeter()
        let breaks = [0, 0, 0, 10, 70, 130].map { $0 * rate }
        let alarms = breaks.enumerated()
            .map { index, breaks in
                step(&meter, [GiB / 2], at: UInt64(index) * 60, breaks: breaks).contains { $0.kind == .soon }
            }
        #expect(
            alarms
                == (rate == 60
                    ? [false, false, false, false, false, true] : [false, false, false, true, false, false])
        )
    }

    @Test("Time that cannot be told any more does not make it new, safety does")
    func silence() {
        var meter = ExposureMeter()
        _ = step(&meter, [GiB / 2], at: 0, breaks: 0)
        #expect(step(&meter, [GiB / 2], at: 60, breaks: 6_000_000).map(\.kind) == [.soon])
        #expect(step(&meter, [GiB / 2], at: 120, breaks: nil).isEmpty)
        _ = step(&meter, [GiB / 2], at: 180, breaks: 0)
        #expect(step(&meter, [GiB / 2], at: 240, breaks: 6_000_000).isEmpty)
        #expect(step(&meter, [8 * GiB], at: 300, breaks: 12_000_000).isEmpty)
        #expect(step(&meter, [GiB / 2], at: 360, breaks: 18_000_000).map(\.kind) == [.short, .soon])
    }
}
