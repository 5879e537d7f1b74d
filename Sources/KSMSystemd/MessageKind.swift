/// The names of the kinds of journal entries, for people and for `ksmctl log --kind`.
extension MessageID {
    /// Stable, as the id is: scripts select by it.
    package var kind: String {
        switch self {
        case .started: "started"
        case .stopped: "stopped"
        case .decision: "decision"
        case .scanningStarted: "scanning-started"
        case .scanningStopped: "scanning-stopped"
        case .writeFailed: "write-failed"
        case .foreignWrite: "foreign-write"
        case .advisorTakenOver: "advisor-taken-over"
        case .configurationWarning: "configuration-warning"
        case .settingsRestored: "settings-restored"
        case .restoreIncomplete: "restore-incomplete"
        case .held: "held"
        case .released: "released"
        case .sampleProblem: "sample-problem"
        case .policyError: "policy-error"
        case .scopeChanged: "scope-changed"
        case .scopeRefused: "scope-refused"
        case .unmerged: "unmerged"
        case .unmergeFailed: "unmerge-failed"
        case .exposed: "exposed"
        case .exposedSoon: "exposed-soon"
        case .nodeShort: "node-short"
        case .numaWarning: "numa-warning"
        case .paused: "paused"
        case .resumed: "resumed"
        case .unmergingBegan: "unmerging-began"
        case .unmergingEnded: "unmerging-ended"
        case .summary: "summary"
        case .policyChanged: "policy-changed"
        case .eventSource: "event-source"
        }
    }

    /// The kind of that name; `nil` where there is none.
    package init?(kind: String) {
        guard let id = MessageID.allCases.first(where: { $0.kind == kind }) else { return nil }
        self = id
    }
}
