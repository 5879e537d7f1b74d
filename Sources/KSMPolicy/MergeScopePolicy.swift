package import KSMModel

/// Chooses `merge_across_nodes`, and says whether it may be changed now.
///
/// While nothing is merged a change is one write. What is merged is un-shared only where `AutoUnmerge` allows it, and then
/// only when memory holds the copies, and has been calm for long (across → local), or an estimate says that it pays
/// (local → across).
package struct MergeScopePolicy: Sendable {
    package var parameters: NUMAParameters
    private var calm: Calm
    private var homes = Homes(nil, scope: nil)
    private var changedNanoseconds: UInt64?
    /// When un-sharing was tried last and did not come about.
    private var failedNanoseconds: UInt64?
    private var setting: ScopeSetting?

    /// - Parameter thresholdPercent: the host, or a node, is short when less of its memory is free
    ///   (`ClassicParameters.thresholdPercent`).
    package init(_ parameters: NUMAParameters, thresholdPercent: Int64) {
        self.parameters = parameters
        calm = Calm(thresholdPercent: thresholdPercent)
    }

    package var thresholdPercent: Int64 {
        get { calm.thresholdPercent }
        set { calm.thresholdPercent = newValue }
    }

    /// The scope has been changed: the next change has to wait for the dwell time.
    package mutating func noteChanged(at nanoseconds: UInt64) {
        (changedNanoseconds, failedNanoseconds) = (nanoseconds, nil)
    }

    /// Un-sharing was tried and did not come about: the next attempt has to wait as long as after a change.
    package mutating func noteFailed(at nanoseconds: UInt64) { failedNanoseconds = nanoseconds }

    /// Decides for what was seen.
    ///
    /// - Parameters:
    ///   - estimate: what each scope would save; without one auto never un-shares to go from local to across.
    ///   - override: what the operator has said since the start; beats the configuration.
    ///   - known: the homes of this sample's survey, where somebody keeps them already.
    package mutating func step(
        _ sample: Sample,
        estimate: ScopeEstimate? = nil,
        override: ScopeSetting? = nil,
        homes known: Homes? = nil
    ) -> ScopeDecision {
        if let known { homes = known } else { homes.update(sample) }
        calm.take(sample, homes)
        let setting = override ?? parameters.scope
        // The operator's word is not held up by an earlier change.
        if let before = self.setting, before != setting { (changedNanoseconds, failedNanoseconds) = (nil, nil) }
        self.setting = setting
        guard let current = sample.ksm.number(.merge_across_nodes).flatMap({ MergeScope(value: $0) }) else {
            let reason = Reason(code: "scope-unavailable", sentence: "this kernel has no merge_across_nodes to choose")
            return ScopeDecision(current: nil, wanted: nil, action: .keep, reason: reason)
        }
        let choice = ScopeChoice(sample, setting, parameters, estimate)
        let step = ScopeStep(sample, current, choice, setting, gain: ScopeGain(sample, parameters, estimate))
        guard let wanted = choice.wanted, wanted != current else { return step.nothingToDo() }
        return change(step, to: wanted)
    }

    private func change(_ step: ScopeStep, to wanted: MergeScope) -> ScopeDecision {
        if !step.isMerged {
            if step.setting == .auto, let refusal = dwell(step) { return refusal }
            return step.write(wanted)
        }
        guard parameters.autoUnmerge else { return step.waiting(wanted) }
        if let refusal = dwell(step) { return refusal }
        if wanted == .across, step.setting == .auto, !step.choice.isGainSure { return step.noGain() }
        if wanted == .local, let refusal = pressure(step) { return refusal }
        return noRoom(step) ?? recovery(step) ?? step.unmerge(wanted)
    }

    // MARK: What stands against a change

    private func dwell(_ step: ScopeStep) -> ScopeDecision? {
        waits(step, since: changedNanoseconds, "scope-dwell", "the last change was")
    }

    private func recovery(_ step: ScopeStep) -> ScopeDecision? {
        waits(step, since: failedNanoseconds, "scope-failed", "an un-sharing has failed (the journal says why)")
    }

    private func waits(_ step: ScopeStep, since: UInt64?, _ code: String, _ what: String) -> ScopeDecision? {
        guard let since else { return nil }
        let passed = step.sample.monotonicNanoseconds.minus(since) / 1_000_000
        guard passed < parameters.scopeDwellMilliseconds else { return nil }
        return step.refused(
            code,
            "\(what) \(MergeScopePolicy.time(passed)) ago, "
                + "\(MergeScopePolicy.time(parameters.scopeDwellMilliseconds)) have to lie between two",
            [Reason.Field(.waitSeconds, (parameters.scopeDwellMilliseconds - passed) / 1000)]
        )
    }

    private func pressure(_ step: ScopeStep) -> ScopeDecision? {
        if let shortage = calm.shortage { return step.refused("scope-pressure", shortage) }
        let passed = calm.nanoseconds(step.sample.monotonicNanoseconds) / 1_000_000
        guard passed < parameters.calmDwellMilliseconds else { return nil }
        return step.refused(
            "scope-pressure",
            "memory is known not to have been short for \(MergeScopePolicy.time(passed)), "
                + "\(MergeScopePolicy.time(parameters.calmDwellMilliseconds)) are wanted",
            [Reason.Field(.waitSeconds, (parameters.calmDwellMilliseconds - passed) / 1000)]
        )
    }

    private func noRoom(_ step: ScopeStep) -> ScopeDecision? {
        let unmet = UnmergePlanner.plan(step.sample, homes: homes).unmet
        guard !unmet.isEmpty else { return nil }
        let sentences = unmet.map { UnmergePlanner.sentence(for: $0) }
        return step.refused("scope-no-room", "memory does not hold the copies (\(sentences.joined(separator: "; ")))")
    }

    private static func time(_ milliseconds: UInt64) -> String { Words.time(seconds: milliseconds / 1000) }
}
