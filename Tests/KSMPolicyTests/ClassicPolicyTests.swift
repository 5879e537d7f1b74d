import KSMModel
import KSMPolicy
import Testing

@Suite("Classic decides as ksmtuned did")
struct ClassicPolicyTests {
    @Test("All 38 vectors: writes in order, batch, sleep and log", arguments: Vectors.recorded.vectors)
    func vector(_ vector: Vectors.Vector) {
        let settings = vector.settings
        var policy = ClassicPolicy(settings.classic, metric: settings.guestMetric, npages: vector.npages)
        let decision = policy.step(
            Sample(
                total: vector.total,
                free: vector.free,
                buffers: vector.buffers,
                cached: vector.cached,
                guests: vector.guests,
                metric: settings.guestMetric
            )
        )
        #expect(decision.writes.map(\.attribute.name) == vector.writes)
        #expect(policy.npages == vector.npages_after)
        #expect(decision.legacyLog == vector.log_startup + vector.log_tick)
        var machine = vector.before
        for write in decision.writes { machine[write.attribute] = write.value }
        #expect(machine.values == vector.after.values)
    }

    @Test("There are 38 vectors and 52 ticks")
    func complete() {
        #expect(Vectors.recorded.vectors.count == 38)
        #expect(Vectors.recorded.sequences.reduce(0) { $0 + $1.ticks.count } == 52)
    }

    @Test("The three sequences, tick by tick", arguments: Vectors.recorded.sequences)
    func sequence(_ sequence: Vectors.Sequence) {
        var policy = ClassicPolicy(ClassicParameters())
        var machine = sequence.before
        for (index, tick) in sequence.ticks.enumerated() {
            let decision = policy.step(Sample(total: sequence.total, free: tick.free, guests: [tick.committed]))
            for write in decision.writes { machine[write.attribute] = write.value }
            #expect(machine.values == tick.after.values, "tick \(index)")
            #expect(policy.npages == tick.npages, "tick \(index)")
            // The script logs its first three lines at its start, not at its first tick.
            #expect(decision.legacyLog.suffix(tick.log.count) == tick.log[...], "tick \(index)")
        }
    }

    private func step(_ id: String) -> Decision? {
        guard let defect = Vectors.recorded.defects.first(where: { $0.id == id }) else { return nil }
        var policy = ClassicPolicy(ClassicParameters(), npages: defect.npages)
        return policy.step(Sample(total: defect.total, free: defect.free, guests: [defect.committed]))
    }

    @Test("B01: 2.5 TiB of guests aborted the script's tick; ksmd adds up and stops, as the rule says")
    func manyGuests() {
        let decision = step("B01")
        #expect(decision?.writes == [Write(.run, 0)])
        #expect(decision?.legacyLog.contains("committed 2684354560 free 1048576000") == true)
    }

    @Test("B02: 3 TiB of free memory started KSM in the script; ksmd stops it")
    func muchFree() {
        let decision = step("B02")
        #expect(decision?.writes == [Write(.run, 0)])
        #expect(decision?.reason.code == "enough-memory")
    }

    @Test("Total memory that changes at run time is taken in, and its log lines come again")
    func hotplug() {
        var policy = ClassicPolicy(ClassicParameters())
        let small = policy.step(Sample(total: 4 << 20, free: 1 << 20, guests: [1 << 20]))
        #expect(small.legacyLog.first == "total 4194304")
        let same = policy.step(Sample(total: 4 << 20, free: 1 << 20, guests: [1 << 20]))
        #expect(same.legacyLog.first == "committed 1048576 free 1048576")
        let large = policy.step(Sample(total: 64 << 20, free: 1 << 20, guests: [1 << 20]))
        #expect(large.legacyLog.prefix(3) == ["total 67108864", "sleep 10", "thres 13421772"])
        #expect(large.reason.code == "pressure")
    }

    @Test("Without figures of memory nothing is written")
    func blind() {
        var policy = ClassicPolicy(ClassicParameters(), npages: 300)
        let decision = policy.step(Sample(monotonicNanoseconds: 0, pageSize: 4096))
        #expect(decision.writes.isEmpty)
        #expect(decision.reason.code == "no-memory-figures")
        #expect(policy.npages == 300)
    }

    @Test(
        "Numbers at the edge of 64 bits do not trap",
        arguments: [UInt64.max, UInt64(Int64.max), UInt64(Int64.max) - 1, 1, 0]
    )
    func extremes(_ value: UInt64) {
        var parameters = ClassicParameters()
        parameters.thresholdPercent = .max
        parameters.sleepMilliseconds = .max
        parameters.boostPages = .max
        parameters.maximumPages = .max
        parameters.thresholdKiB = .max
        var policy = ClassicPolicy(parameters, npages: .max)
        for free in [0, value, .max] {
            let decision = policy.step(Sample(total: value, free: free, guests: [value, value, .max]))
            for write in decision.writes where write.attribute != .run {
                // The kernel takes 32 bits (pages_to_scan_store, sleep_millisecs_store of mm/ksm.c).
                #expect(UInt32(write.value) != nil, "\(write)")
            }
        }
    }

    @Test("Every reason names the measured value and the limit")
    func reasons() {
        for vector in Vectors.recorded.vectors {
            var policy = ClassicPolicy(vector.settings.classic, npages: vector.npages)
            let reason = policy.step(Sample(total: vector.total, free: vector.free, guests: vector.guests)).reason
            #expect(
                reason.sentence.contains("threshold") && reason.sentence.contains("iB"),
                "\(vector.id): \(reason.sentence)"
            )
            #expect(reason.fields.map(\.name).contains("THRESHOLD_KIB"))
        }
    }
}
