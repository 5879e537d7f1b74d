import KSMModel

extension StatusReport {
    /// The nodes and the scope: as the daemon has them, else what the sample tells without anybody deciding.
    package var numa: StateReport.NUMA {
        if let numa = daemonReport?.numa { return numa }
        var numa = StateReport.NUMA(sample, pressure: [], exposure: nil, nowRealtimeSeconds: nowRealtimeSeconds)
        numa.scope = scopeWithoutDaemon
        return numa
    }

    private var scopeWithoutDaemon: StateReport.NUMA.Scope {
        let current = sample.ksm.number(.merge_across_nodes).flatMap { MergeScope(value: $0) }
        let reason = Reason(code: "no-decision", sentence: "nobody has decided about it")
        return .init(ScopeDecision(current: current, wanted: nil, action: .keep, reason: reason))
    }

    /// One line: where memory is merged, and the node with least room; `nil` where this kernel has no choice.
    var scopeLine: String? {
        guard sample.ksm[.merge_across_nodes] != nil else { return nil }
        let numa = numa
        var parts = [NUMASentences.scope(numa.scope, isActing: daemonReport != nil)]
        if numa.scope?.setByHand != nil { parts.append("set by hand") }
        if let worst = NUMASentences.worst(numa.nodes) { parts.append(worst) }
        return parts.joined(separator: "; ")
    }

    /// One line while memory would be short if guests stopped having equal pages.
    var exposureLine: String? { NUMASentences.exposed(numa) }
}
