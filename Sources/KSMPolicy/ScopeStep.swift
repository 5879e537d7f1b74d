import KSMModel

/// One step of the scope's policy: what is known, and the decisions it can end in.
struct ScopeStep {
    let sample: Sample
    let current: MergeScope
    let choice: ScopeChoice
    let setting: ScopeSetting
    let gain: ScopeGain?

    init(
        _ sample: Sample,
        _ current: MergeScope,
        _ choice: ScopeChoice,
        _ setting: ScopeSetting,
        gain: ScopeGain?
    ) {
        self.sample = sample
        self.current = current
        self.choice = choice
        self.setting = setting
        self.gain = gain
    }

    /// What cannot be read counts as merged.
    var isMerged: Bool { sample.ksm.number(.pages_shared) != 0 || sample.ksm.number(.pages_sharing) != 0 }

    /// `across would be better` or `across is wanted`, and why.
    private var verdict: String {
        let wanted = choice.wanted?.rawValue ?? ""
        return setting == .auto
            ? "\(wanted) would be better (\(choice.because))" : "\(wanted) is wanted (\(choice.because))"
    }

    private var neededKiB: UInt64 { (sample.ksm.savedPages ?? 0).pagesInKiB(sample.pageSize) }
    private var seconds: UInt64 { max(1, UnmergePlanner.milliseconds(sample).plus(500) / 1000) }
    private var cost: String { "\(Sizes(neededKiB).text(neededKiB)) and about \(Words.time(seconds: seconds))" }

    // MARK: Decisions

    func nothingToDo() -> ScopeDecision {
        let verb = choice.code == "scope-left" ? "is left as it is" : "is right"
        let sentence =
            choice.code == "scope-one-node"
            ? "scope stays \(current.rawValue): \(choice.because)"
            : "scope \(current.rawValue) \(verb): \(choice.because)"
        return decision(.keep, choice.code, sentence)
    }

    func write(_ wanted: MergeScope) -> ScopeDecision {
        decision(
            .write,
            "scope-free-change",
            "nothing is merged, so the change from \(current.rawValue) to \(wanted.rawValue) is free: \(choice.because)"
        )
    }

    /// Merged already, and ksmd may not un-share by itself.
    func waiting(_ wanted: MergeScope) -> ScopeDecision {
        decision(
            .keep,
            "scope-merged",
            "scope is \(current.rawValue), \(verdict), the change needs \(cost); `ksmctl numa set \(wanted.rawValue)` does it",
            costs
        )
    }

    func noGain() -> ScopeDecision {
        let why = gain?.sentence ?? "there is no estimate of what it would save"
        return refused("scope-no-gain", why)
    }

    func refused(_ code: String, _ why: String, _ fields: [Reason.Field] = []) -> ScopeDecision {
        decision(
            .keep,
            code,
            "scope stays \(current.rawValue) although \(verdict): \(why)",
            (isMerged ? costs : []) + fields
        )
    }

    func unmerge(_ wanted: MergeScope) -> ScopeDecision {
        decision(
            .unmerge,
            "scope-unmerge",
            "scope goes from \(current.rawValue) to \(wanted.rawValue) (\(choice.because)); un-sharing needs \(cost)",
            costs
        )
    }

    private var costs: [Reason.Field] {
        [Reason.Field(.neededKiB, neededKiB), Reason.Field(.seconds, seconds)]
    }

    private func decision(
        _ action: ScopeDecision.Action,
        _ code: String,
        _ sentence: String,
        _ fields: [Reason.Field] = []
    ) -> ScopeDecision {
        let scopes =
            [Reason.Field(.scope, current.rawValue)]
            + (choice.wanted.map { [Reason.Field(.wantedScope, $0.rawValue)] } ?? [])
        return ScopeDecision(
            current: current,
            wanted: choice.wanted,
            action: action,
            reason: Reason(code: code, sentence: sentence, fields: scopes + fields)
        )
    }
}
