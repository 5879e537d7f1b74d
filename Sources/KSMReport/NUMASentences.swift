import KSMModel

/// What `ksmctl status` and `ksmctl numa` both say about nodes.
enum NUMASentences {
    /// `across (…); local is wanted and not set now`.
    /// - Parameter isActing: a daemon runs, which does what it has decided.
    static func scope(_ scope: StateReport.NUMA.Scope?, isActing: Bool) -> String {
        guard let scope else { return "not known" }
        guard let current = scope.current else { return "this kernel has no merge_across_nodes" }
        guard let wanted = scope.wanted, wanted != current else { return name(current) }
        return "\(name(current)); \(wanted.rawValue) is wanted\(isActing ? next(scope.action) : "")"
    }

    private static func name(_ scope: MergeScope) -> String {
        switch scope {
        case .local: "local (equal pages are merged within each node)"
        case .across: "across (equal pages are merged over all nodes)"
        }
    }

    private static func next(_ action: ScopeDecision.Action) -> String {
        switch action {
        case .keep: ", but not set now"
        case .write: " and being set"
        case .unmerge: " and everything is un-shared for it"
        }
    }

    /// What un-sharing would take, and when it would come to that.
    static func exposure(_ exposure: StateReport.NUMA.HostExposure) -> String {
        var text = "\(Human.size(exposure.promisedBytes)) if all that is merged were written, "
        text +=
            exposure.shortBytes > 0
            ? "\(Human.size(exposure.shortBytes)) more than is available"
            : "of \(Human.size(exposure.availableBytes)) available"
        guard let rate = exposure.breaksPerSecond, rate.isFinite, rate >= 0 else { return text }
        text += "; \(rate < 10 ? oneDecimal(rate) : whole(rate)) pages a second are written now"
        guard let seconds = exposure.secondsUntilShort else { return text }
        return text + ", which leaves \(Human.duration(seconds: seconds))"
    }

    /// The node that is short by most; else, of those that have memory, the one with least available.
    static func worst(_ nodes: [StateReport.NUMA.NodeFigures]) -> String? {
        let short = nodes.filter { $0.hasGuests && $0.shortBytes > 0 }.max { $0.shortBytes < $1.shortBytes }
        if let short { return "node \(short.node) is short by \(Human.size(short.shortBytes))" }
        let withMemory = nodes.filter { $0.totalBytes > 0 }
        guard let least = withMemory.min(by: { room($0) < room($1) }) else { return nil }
        let size = "\(Human.size(least.availableBytes ?? least.freeBytes)) of \(Human.size(least.totalBytes))"
        return "node \(least.node) has \(size) \(least.availableBytes == nil ? "free" : "available")"
    }

    /// The host, or the worst node, that would be short if guests diverged.
    static func exposed(_ numa: StateReport.NUMA) -> String? {
        let worst = numa.nodes.max { $0.exposureShortBytes < $1.exposureShortBytes }
        let isSoon = numa.exposure?.secondsUntilShort != nil
        if let host = numa.exposure, host.shortBytes > 0 || isSoon { return exposure(host) }
        guard let worst, worst.exposureShortBytes > 0 else { return nil }
        return "\(Human.size(worst.exposureShortBytes)) more than node \(worst.node) has available, if all that is "
            + "merged there were written"
    }

    private static func room(_ node: StateReport.NUMA.NodeFigures) -> Double {
        Double(node.availableBytes ?? node.freeBytes) / Double(max(1, node.totalBytes))
    }

    /// `43 %`; below a tenth of a percent `0 %`.
    static func percent(_ share: Double) -> String { "\(rounded(share * 100)) %" }

    /// `43 % ± 2`.
    static func percent(_ share: Share) -> String { "\(percent(share.value)) ± \(rounded(share.error * 100))" }

    private static func oneDecimal(_ value: Double) -> String {
        let tenths = Int64(min(max(0, (value * 10).rounded()), 1e15))
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func whole(_ value: Double) -> String { String(rounded(value)) }

    /// To the nearest whole number; what is none or beyond all sense is 0 or the limit.
    private static func rounded(_ value: Double) -> Int64 {
        value.isNaN ? 0 : Int64(min(max(-1e15, value.rounded()), 1e15))
    }
}
