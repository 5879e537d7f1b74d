import KSMModel
import KSMPolicy
import Testing

@Suite("MergeScopePolicy chooses merge_across_nodes")
struct MergeScopePolicyTests {
    func policy(_ change: (inout NUMAParameters) -> Void = { _ in }) -> MergeScopePolicy {
        var parameters = NUMAParameters()
        change(&parameters)
        return MergeScopePolicy(parameters, thresholdPercent: 20)
    }

    func decide(
        _ sample: Sample,
        estimate: ScopeEstimate? = nil,
        _ change: (inout NUMAParameters) -> Void = { _ in }
    ) -> ScopeDecision {
        var policy = policy(change)
        return policy.step(sample, estimate: estimate)
    }

    /// Two nodes of 16 GiB with 12 available each, one guest of 10 GiB, in this scope.
    func machine(
        _ scope: MergeScope,
        distance: Int? = 20,
        at seconds: UInt64 = 0,
        mergedGiB: UInt64 = 0
    ) -> Sample {
        var sample = Sample(available: [12 * GiB, 12 * GiB], at: seconds, distance: distance)
        sample.scope = scope
        sample.guests = [Guest(1, rssKiB: 10 * GiB, merging: mergedGiB * gibPages)]
        sample.survey = Survey([GuestPlacement(1, own: [0: 500, 1: 500])])
        sample.merge(shared: mergedGiB * 100, sharing: mergedGiB * gibPages)
        return sample
    }

    /// An estimate that says that across saves that much more than local, in percent of the guest's 10 GiB.
    func gain(percent: UInt64, error: UInt64 = 0) -> ScopeEstimate {
        let one = 10 * GiB * 1024 / 100
        return ScopeEstimate(acrossBytes: (10 + percent) * one + 1024, localBytes: 10 * one, errorBytes: error * one)
    }

    // MARK: What is right

    @Test("One node: the attribute is left alone", arguments: [MergeScope.local, .across])
    func oneNode(_ scope: MergeScope) {
        var sample = Sample(available: [12 * GiB])
        sample.scope = scope
        let decision = decide(sample)
        #expect(decision.action == .keep && decision.wanted == nil && decision.current == scope)
        #expect(decision.reason.code == "scope-one-node")
        // A second node without memory makes no difference.
        sample.topology = Topology(count: 2, distance: 20)
        sample.topology.nodes[1].hasMemory = false
        #expect(decide(sample).reason.code == "scope-one-node")
    }

    @Test(
        "By distance: near is across, far and unknown are local, at the limit near",
        arguments: [
            (distance: Int?.some(11), wanted: MergeScope.across), (12, .across), (13, .local), (20, .local),
            (nil, .local),
        ]
    )
    func distance(_ distance: Int?, _ wanted: MergeScope) {
        for scope in MergeScope.allCases {
            let decision = decide(machine(scope, distance: distance))
            #expect(decision.wanted == wanted)
            #expect(decision.action == (scope == wanted ? .keep : .write))
            #expect(decision.reason.code == (scope == wanted ? "scope-right" : "scope-free-change"))
        }
        #expect(decide(machine(.across, distance: 30)) { $0.nearDistance = 30 }.wanted == .across)
    }

    @Test("One pair far apart in one direction is enough for local")
    func asymmetric() {
        var sample = Sample(available: [GiB, GiB, GiB, GiB], distance: 11)
        #expect(decide(sample).wanted == .across)
        sample.topology.nodes[3].distances[1] = 21
        #expect(decide(sample).wanted == .local)
        #expect(decide(sample).reason.sentence.contains("up to 21 apart, more than 12"))
        // A node without memory does not count.
        sample.topology.nodes[3].hasMemory = false
        #expect(decide(sample).wanted == .across)
    }

    @Test("A node with memory and no CPUs never pulls towards across, however near, whatever the gain")
    func slow() {
        var sample = machine(.across, distance: 11)
        sample.topology.nodes[1].cpus = []
        #expect(decide(sample, estimate: gain(percent: 50)).wanted == .local)
        #expect(decide(sample).reason.sentence.contains("node 1 has memory and no CPUs"))
    }

    @Test("leave leaves, local and across are taken at their word", arguments: [MergeScope.local, .across])
    func explicit(_ scope: MergeScope) {
        for distance in [11, 20] {
            let left = decide(machine(scope, distance: distance)) { $0.scope = .leave }
            #expect(left.action == .keep && left.wanted == nil && left.reason.code == "scope-left")
            let local = decide(machine(scope, distance: distance)) { $0.scope = .local }
            #expect(local.wanted == .local && local.action == (scope == .local ? .keep : .write))
            let across = decide(machine(scope, distance: distance)) { $0.scope = .across }
            #expect(across.wanted == .across && across.action == (scope == .across ? .keep : .write))
        }
        var single = Sample(available: [GiB])
        single.scope = scope
        #expect(decide(single) { $0.scope = .local }.wanted == .local)
    }

    @Test("A kernel without the attribute, or with a value that nobody knows: nothing")
    func unavailable() {
        var sample = machine(.across)
        sample.scope = nil
        for setting in ScopeSetting.allCases {
            let decision = decide(sample) { $0.scope = setting }
            #expect(decision.action == .keep && decision.current == nil && decision.wanted == nil)
            #expect(decision.reason.code == "scope-unavailable")
        }
        sample.ksm[.merge_across_nodes] = .unsigned(2)
        #expect(decide(sample).reason.code == "scope-unavailable")
    }

    // MARK: Merged already

    @Test("What is merged is not un-shared by itself: the cost is said", arguments: [ScopeSetting.auto, .local])
    func merged(_ setting: ScopeSetting) {
        let decision = decide(machine(.across, mergedGiB: 4)) { $0.scope = setting }
        #expect(decision.action == .keep && decision.wanted == .local)
        #expect(decision.reason.code == "scope-merged")
        let sentence = decision.reason.sentence
        #expect(sentence.hasPrefix("scope is across, local \(setting == .auto ? "would be better" : "is wanted")"))
        // 4 GiB merged and 10 GiB resident: 6 s and 2 s.
        #expect(sentence.hasSuffix("the change needs 4.0 GiB and about 8 s; `ksmctl numa set local` does it"))
        #expect(decision.reason["NEEDED_KIB"] == String(4 * GiB) && decision.reason["SECONDS"] == "8")
    }

    @Test("One merged page is merged; counters that cannot be read are too")
    func isMerged() {
        var sample = machine(.across)
        sample.merge(shared: 1, sharing: 0)
        #expect(decide(sample).reason.code == "scope-merged")
        sample.merge(shared: 0, sharing: 1)
        #expect(decide(sample).reason.code == "scope-merged")
        sample.ksm[.pages_sharing] = nil
        #expect(decide(sample).reason.code == "scope-merged")
    }

    /// With `AutoUnmerge`, after it has been calm for long enough.
    func calm(_ change: (inout NUMAParameters) -> Void = { _ in }) -> MergeScopePolicy {
        var policy = policy {
            $0.autoUnmerge = true
            change(&$0)
        }
        _ = policy.step(machine(.across, mergedGiB: 4))
        return policy
    }

    @Test("across → local after memory has been calm for the dwell time since the start, not before")
    func calmDwell() {
        var policy = calm()
        let early = policy.step(machine(.across, at: 1799, mergedGiB: 4))
        #expect(early.action == .keep && early.reason.code == "scope-pressure")
        #expect(early.reason["WAIT_SECONDS"] == "1")
        #expect(early.reason.sentence.contains("29 min, 30 min are wanted"))
        let late = policy.step(machine(.across, at: 1800, mergedGiB: 4))
        #expect(late.action == .unmerge && late.reason.code == "scope-unmerge")
        #expect(late.reason.sentence.contains("needs 4.0 GiB and about 8 s"))
    }

    @Test("An un-sharing that failed is not tried again before the dwell time, unless somebody says something else")
    func failed() {
        var policy = calm { $0.scopeDwellMilliseconds = 600_000 }
        let first = policy.step(machine(.across, at: 1800, mergedGiB: 4))
        #expect(first.action == .unmerge)
        policy.noteFailed(at: 1900 * 1_000_000_000)
        let refused = policy.step(machine(.across, at: 2499, mergedGiB: 4))
        #expect(refused.action == .keep && refused.reason.code == "scope-failed")
        #expect(refused.reason["WAIT_SECONDS"] == "1")
        #expect(refused.reason.sentence.contains("an un-sharing has failed (the journal says why) 9 min ago"))
        var told = policy
        let said = told.step(machine(.across, at: 2499, mergedGiB: 4), override: .local)
        #expect(said.action == .unmerge)
        let again = policy.step(machine(.across, at: 2500, mergedGiB: 4))
        #expect(again.action == .unmerge)
        // While nothing is merged a change costs nothing, and waits for nothing.
        policy.noteFailed(at: 2500 * 1_000_000_000)
        let free = policy.step(machine(.across, at: 2501))
        #expect(free.action == .write)
    }

    @Test("Pressure on the host, or on a node with guests, starts the calm anew", arguments: [0, 1, 2])
    func pressure(_ place: Int) {
        var policy = calm()
        var short = machine(.across, at: 1000, mergedGiB: 4)
        switch place {
        case 0: short.memory.memFreeKiB = 32 * GiB / 5 - 1
        case 1: short.nodes[1].availableKiB = 3 * GiB
        default: short.memory.memTotalKiB = nil
        }
        let decision = policy.step(short)
        #expect(decision.action == .keep && decision.reason.code == "scope-pressure")
        #expect(policy.step(machine(.across, at: 1800, mergedGiB: 4)).action == .keep)
        #expect(policy.step(machine(.across, at: 3599, mergedGiB: 4)).action == .keep)
        #expect(policy.step(machine(.across, at: 3600, mergedGiB: 4)).action == .unmerge)
    }

    @Test("Memory that does not hold the copies refuses, with the numbers of host and node", arguments: [false, true])
    func noRoom(_ isNode: Bool) {
        var policy = calm()
        var sample = machine(.across, at: 1800, mergedGiB: 4)
        if isNode {
            // Calm, but all copies belong on node 1: 14 GiB at most are needed of its 12.
            sample.merge(shared: 100, sharing: 13 * gibPages)
            sample.guests[0].mergingPages = 13 * gibPages
            sample.survey = Survey([GuestPlacement(1, own: [1: 1000])], at: 1)
        } else {
            sample.memory.memAvailableKiB = 4 * GiB + 600 * MiB
        }
        let decision = policy.step(sample)
        #expect(decision.action == .keep && decision.wanted == .local)
        #expect(decision.reason.code == "scope-no-room")
        #expect(
            decision.reason.sentence.contains(
                isNode ? "node 1: 13.0 GiB needed, 12.0 GiB there" : "host: 4.0 GiB needed"
            )
        )
        if !isNode { #expect(decision.reason.sentence.contains("4.6 GiB there, 0.6 GiB to stay free")) }
    }

    @Test("Two changes lie the dwell time apart; the operator's word is not held up")
    func dwell() {
        var policy = calm()
        policy.noteChanged(at: 1000 * 1_000_000_000)
        let early = policy.step(machine(.across, at: 4599, mergedGiB: 4))
        #expect(early.action == .keep && early.reason.code == "scope-dwell")
        #expect(early.reason["WAIT_SECONDS"] == "1")
        #expect(policy.step(machine(.across, at: 4600, mergedGiB: 4)).action == .unmerge)
        // Also where the change is free, when it is ksmd's own choice.
        policy.noteChanged(at: 4600 * 1_000_000_000)
        #expect(policy.step(machine(.across, at: 4700)).reason.code == "scope-dwell")
        #expect(policy.step(machine(.across, at: 4701), override: .local).action == .write)
        policy.noteChanged(at: 4701 * 1_000_000_000)
        #expect(policy.step(machine(.local, at: 4702), override: .across).action == .write)
        // Time that runs backwards is no time.
        policy.noteChanged(at: .max)
        #expect(policy.step(machine(.local, at: 4703, mergedGiB: 4), override: .across).reason.code == "scope-dwell")
    }

    // MARK: Everything

    @Test("Over a thousand machines: no step against a rule")
    func rules() {
        var dice = Dice(11)
        var actions: Set<String> = []
        for _ in 0..<3000 {
            var sample = machine(
                dice.next(2) == 0 ? .local : .across,
                distance: [nil, 10, 12, 13, 21][Int(dice.next(5))],
                at: dice.next(8000),
                mergedGiB: dice.next(3) * 3
            )
            if dice.next(4) == 0 { sample.topology.nodes[1].cpus = [] }
            if dice.next(4) == 0 { sample.nodes[0].availableKiB = dice.next(12 * GiB) }
            let setting = ScopeSetting.allCases[Int(dice.next(4))]
            let estimate = dice.next(2) == 0 ? nil : gain(percent: dice.next(12), error: dice.next(5))
            let autoUnmerge = dice.next(2) == 0
            var policy = policy {
                $0.autoUnmerge = autoUnmerge
                $0.scope = setting
            }
            if dice.next(2) == 0 { _ = policy.step(machine(.across, mergedGiB: 1)) }
            let decision = policy.step(sample, estimate: estimate)
            actions.insert("\(decision.action) \(decision.reason.code)")
            let isMerged = sample.ksm.number(.pages_sharing) != 0
            #expect(decision.current == sample.scope && !decision.reason.sentence.isEmpty)
            if decision.action == .write { #expect(!isMerged && decision.wanted != decision.current) }
            if decision.action == .unmerge { #expect(isMerged && autoUnmerge && decision.wanted != decision.current) }
            if setting == .auto, decision.action == .unmerge, decision.wanted == .across { #expect(estimate != nil) }
            if setting == .auto, sample.topology.nodes[1].cpus.isEmpty { #expect(decision.wanted == .local) }
            if setting == .leave { #expect(decision.wanted == nil) }
            if setting != .leave, decision.wanted != decision.current, !isMerged { #expect(decision.action == .write) }
        }
        let expected: Set<String> = [
            "keep scope-left", "keep scope-right", "keep scope-merged", "keep scope-pressure", "keep scope-no-gain",
            "write scope-free-change", "unmerge scope-unmerge",
        ]
        #expect(actions.isSuperset(of: expected), "\(actions)")
    }

    @Test("Whatever the figures: no trap")
    func extremes() {
        for value in edges {
            for var sample in Sample.extremes.filter({ $0.monotonicNanoseconds == value }) {
                for scope in MergeScope.allCases {
                    sample.scope = scope
                    for distance in [Int.min, 0, .max] {
                        sample.topology = Topology(count: 3, distance: distance)
                        var policy = policy {
                            $0.autoUnmerge = true
                            $0.scopeDwellMilliseconds = value
                            $0.calmDwellMilliseconds = value
                            $0.acrossGainPercent = Int64(clamping: value)
                            $0.nearDistance = Int64(clamping: value)
                        }
                        policy.noteChanged(at: value)
                        for bytes in edges {
                            let estimate = ScopeEstimate(acrossBytes: value, localBytes: bytes, errorBytes: value)
                            #expect(policy.step(sample, estimate: estimate).current == scope)
                        }
                    }
                }
            }
        }
    }
}
