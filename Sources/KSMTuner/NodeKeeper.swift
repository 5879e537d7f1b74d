import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport
import KSMSystemd

/// The nodes' part of a tick: where to merge, which node is short, what merged memory promises.
///
/// Knows what was said before, so that the journal hears each thing once.
struct NodeKeeper {
    /// The last look into the guests' page maps, until the next.
    private(set) var survey: Survey?
    private(set) var scope: ScopeDecision?
    private(set) var byHand: ScopeOverride?
    private(set) var activation: NodeActivation?
    private(set) var exposure: Exposure?
    private(set) var homes = Homes(nil, scope: nil)
    /// What is known to hurt merging here, as found with the last survey.
    private(set) var warnings: [Reason] = []

    private var policy: MergeScopePolicy
    private var meter = ExposureMeter()
    private var thresholdPercent: Int64
    private var toldScope: String?
    private var shortNodes = ShortNodes()
    /// Of the last survey.
    private var remoteShare: Share?
    private var mergedKiB: [(node: Int, kib: UInt64)]?
    /// A survey that has come since the last tick.
    private var isSurveyNew = false
    private var earlier: NUMAWarnings.Earlier?
    private var toldWarnings: Set<String> = []

    init(_ settings: Settings) {
        thresholdPercent = settings.classic.thresholdPercent
        policy = MergeScopePolicy(settings.numa, thresholdPercent: settings.classic.thresholdPercent)
    }

    /// A survey has come.
    mutating func take(_ survey: Survey) {
        self.survey = survey
        isSurveyNew = true
    }

    /// Takes over new settings; what is known about the past stays.
    mutating func reload(_ settings: Settings) {
        thresholdPercent = settings.classic.thresholdPercent
        policy.parameters = settings.numa
        policy.thresholdPercent = settings.classic.thresholdPercent
    }

    /// Looks whether an operator has said something since the last tick.
    /// - Returns: whether that is new.
    mutating func readByHand(_ root: KernelRoot) -> Bool {
        let found = ScopeOverride.read(root)
        defer { byHand = found }
        return found != byHand
    }

    /// Notes that the scope has been changed, which begins a new dwell time.
    mutating func noteChanged(at nanoseconds: UInt64) { policy.noteChanged(at: nanoseconds) }

    /// Notes that an un-sharing of ksmd's own has failed.
    mutating func noteFailed(at nanoseconds: UInt64) { policy.noteFailed(at: nanoseconds) }

    /// Decides, and says what is new.
    /// - Parameter isUnmerging: ksmd itself un-shares or has since the last tick.
    mutating func take(_ sample: inout Sample, _ root: KernelRoot, isUnmerging: Bool) -> [JournalEntry] {
        sample.survey = survey
        homes.update(sample)
        let activation = NodeActivation(sample, homes: homes, thresholdPercent: thresholdPercent)
        self.activation = activation
        let decision = policy.step(sample, estimate: nil, override: byHand?.setting, homes: homes)
        scope = decision
        let reading = meter.step(sample, ignoreBreaks: isUnmerging, homes: homes)
        exposure = reading.exposure
        return told(decision) + told(activation) + reading.alarms.map(NodeKeeper.entry) + warn(sample, root)
    }

    /// With each survey: looks for what is known to hurt, and tells what was not told before.
    private mutating func warn(_ sample: Sample, _ root: KernelRoot) -> [JournalEntry] {
        guard isSurveyNew else { return [] }
        isSurveyNew = false
        remoteShare = homes.remoteShare(sample.guests)
        mergedKiB = survey?.signal == nil ? nil : homes.mergedKiB(sample.guests, pageSize: sample.pageSize)
        let facts = KernelFacts.read(root)
        warnings = NUMAWarnings.all(sample, facts, homes: homes, earlier: earlier)
        earlier = NUMAWarnings.Earlier(sample, facts, homes: homes)
        let news = warnings.filter { !toldWarnings.contains($0.code) }
        toldWarnings = Set(warnings.map(\.code))
        return news.map { reason in
            JournalEntry(
                .warning,
                .numaWarning,
                reason.sentence,
                fields: [Reason.Field(.reason, reason.code)] + reason.fields
            )
        }
    }

    /// A change that is wanted and not made is told once.
    private mutating func told(_ decision: ScopeDecision) -> [JournalEntry] {
        let isRefused = decision.action == .keep && decision.wanted != nil && decision.wanted != decision.current
        let code = isRefused ? "\(decision.reason.code) \(decision.wanted?.rawValue ?? "")" : nil
        defer { toldScope = code }
        guard isRefused, code != toldScope else { return [] }
        return [
            JournalEntry(
                .notice,
                .scopeRefused,
                "merge_across_nodes stays as it is: \(decision.reason.sentence)",
                fields: [Reason.Field(.reason, decision.reason.code)] + decision.reason.fields
            )
        ]
    }

    private mutating func told(_ activation: NodeActivation) -> [JournalEntry] {
        // The host's own figures tell the same on one node.
        guard activation.nodes.count > 1, shortNodes.take(activation) else { return [] }
        return [
            JournalEntry(
                activation.worst == nil ? .info : .notice,
                .nodeShort,
                "Nodes: \(activation.reason.sentence)",
                fields: [Reason.Field(.reason, activation.reason.code)] + activation.reason.fields
            )
        ]
    }

    private static func entry(_ alarm: ExposureAlarm) -> JournalEntry {
        let sentence = alarm.reason.sentence
        return JournalEntry(
            .warning,
            alarm.kind == .soon ? .exposedSoon : .exposed,
            sentence.prefix(1).uppercased() + sentence.dropFirst(),
            fields: [Reason.Field(.reason, alarm.reason.code)] + alarm.reason.fields
        )
    }

    // MARK: The report

    /// What the state file says about the nodes.
    func report(_ sample: Sample, nowRealtimeSeconds: UInt64) -> StateReport.NUMA {
        var report = StateReport.NUMA(
            sample,
            pressure: activation?.nodes ?? [],
            exposure: exposure,
            merged: mergedKiB,
            nowRealtimeSeconds: nowRealtimeSeconds
        )
        report.scope = scope.map { StateReport.NUMA.Scope($0, setByHand: byHand.map(NodeKeeper.byHand)) }
        report.remoteShare = remoteShare
        report.activation = activation.map { activation in
            StateReport.NUMA.Activation(
                node: activation.worst?.node,
                shortBytes: (activation.worst?.shortKiB ?? 0).multipliedReportingOverflow(by: 1024).partialValue,
                sentence: activation.reason.sentence
            )
        }
        return report
    }

    private static func byHand(_ said: ScopeOverride) -> StateReport.NUMA.ByHand {
        StateReport.NUMA.ByHand(setting: said.setting, by: said.by, sinceRealtimeSeconds: said.sinceRealtimeSeconds)
    }
}
