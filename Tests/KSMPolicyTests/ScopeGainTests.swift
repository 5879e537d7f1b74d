import KSMModel
import KSMPolicy
import Testing

/// What the operator and the estimate change.
extension MergeScopePolicyTests {
    @Test("What the operator says beats the configuration")
    func override() {
        var policy = policy { $0.scope = .leave }
        #expect(policy.step(machine(.across), override: .local).action == .write)
        #expect(policy.step(machine(.across)).reason.code == "scope-left")
        #expect(policy.step(machine(.across), override: .auto).wanted == .local)
    }

    @Test("local → across: by the estimate less its error, at 5 % of the guests' memory")
    func gainCounts() {
        let far = machine(.local)
        #expect(decide(far).wanted == .local)
        #expect(decide(far, estimate: gain(percent: 4)).wanted == .local)
        #expect(decide(far, estimate: gain(percent: 5)).action == .write)
        #expect(decide(far, estimate: gain(percent: 6, error: 2)).wanted == .local)
        #expect(decide(far, estimate: gain(percent: 7, error: 2)).wanted == .across)
        #expect(decide(far, estimate: gain(percent: 7)) { $0.acrossGainPercent = 8 }.wanted == .local)
    }

    @Test("across stays while the estimate may still say so: one at the limit makes nothing go to and fro")
    func gainStays() {
        let far = machine(.across)
        #expect(decide(far, estimate: gain(percent: 4, error: 2)).reason.code == "scope-right")
        #expect(decide(far, estimate: gain(percent: 2, error: 2)).wanted == .local)
        #expect(decide(far).wanted == .local)
    }

    @Test("Without guests, or with no gain at all, no estimate leads to across", arguments: [Int64(0), -5, 5])
    func noGain(_ percent: Int64) {
        var empty = machine(.local)
        empty.guests = []
        let large = ScopeEstimate(acrossBytes: .max, localBytes: 0, errorBytes: 0)
        #expect(decide(empty, estimate: large) { $0.acrossGainPercent = percent }.wanted == .local)
        let none = ScopeEstimate(acrossBytes: 1 << 40, localBytes: 1 << 40, errorBytes: 0)
        #expect(decide(machine(.local), estimate: none) { $0.acrossGainPercent = percent }.wanted == .local)
    }

    @Test("Merged within near nodes: auto un-shares for across only with an estimate that pays")
    func unmergeForAcross() {
        let near = machine(.local, distance: 11, at: 10, mergedGiB: 4)
        var policy = calm()
        let blind = policy.step(near)
        #expect(blind.action == .keep && blind.wanted == .across && blind.reason.code == "scope-no-gain")
        #expect(policy.step(near, estimate: gain(percent: 4)).reason.code == "scope-no-gain")
        #expect(policy.step(near, estimate: gain(percent: 6, error: 2)).reason.code == "scope-no-gain")
        #expect(policy.step(near, estimate: gain(percent: 7, error: 2)).action == .unmerge)
        // Said by the operator it needs none.
        #expect(policy.step(near, override: .across).action == .unmerge)
        // Under pressure memory does not hold it.
        var short = near
        short.memory.memAvailableKiB = GiB
        #expect(policy.step(short, override: .across).reason.code == "scope-no-room")
    }
}
