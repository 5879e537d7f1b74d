import KSMModel

/// Which scope would be right, and why; what a change would cost is not its matter.
struct ScopeChoice: Equatable {
    /// `nil` where there is nothing to choose.
    var wanted: MergeScope?
    /// The code where there is nothing to choose.
    var code = "scope-right"
    /// As the end of a sentence.
    var because: String
    /// The estimate says that across pays, also with its error.
    var isGainSure = false

    /// - Parameter setting: what the operator wants.
    init(_ sample: Sample, _ setting: ScopeSetting, _ parameters: NUMAParameters, _ estimate: ScopeEstimate?) {
        let gain = ScopeGain(sample, parameters, estimate)
        isGainSure = gain?.isSure ?? false
        switch setting {
        case .leave: (code, because) = ("scope-left", "the setting is leave")
        case .local: (wanted, because) = (.local, "the setting is local")
        case .across: (wanted, because) = (.across, "the setting is across")
        case .auto:
            let nodes = ScopeChoice.nodes(sample)
            guard nodes.count > 1 else {
                (code, because) = ("scope-one-node", "no more than one node has memory, so it makes no difference")
                return
            }
            (wanted, because) = ScopeChoice.automatic(sample, nodes, parameters, gain)
        }
    }

    /// Nodes with memory; those that are online count, where the topology was not read those with figures.
    private static func nodes(_ sample: Sample) -> [Int] {
        sample.topology.nodes.isEmpty ? sample.nodes.map(\.node) : sample.topology.withMemory.map(\.number)
    }

    private static func automatic(
        _ sample: Sample,
        _ nodes: [Int],
        _ parameters: NUMAParameters,
        _ gain: ScopeGain?
    ) -> (MergeScope, String) {
        // Slow memory: what is merged into it is read by everybody at its speed.
        if let slow = nodes.first(where: { sample.topology.node($0)?.cpus.isEmpty ?? false }) {
            return (.local, "node \(slow) has memory and no CPUs")
        }
        let distance = farthest(sample.topology, nodes)
        let near = parameters.nearDistance
        if let distance, distance <= near { return (.across, "all nodes are within \(near) of each other") }
        if let gain, gain.holds(sample.ksm) { return (.across, gain.sentence) }
        guard let distance else { return (.local, "the distances of the nodes are not known, so they count as far") }
        return (.local, "nodes are up to \(distance) apart, more than \(near)")
    }

    /// The largest distance between two of the nodes, in either direction; `nil` where one is not known.
    private static func farthest(_ topology: Topology, _ nodes: [Int]) -> Int? {
        var farthest = 0
        for from in nodes {
            for to in nodes where to != from {
                guard let distance = topology.distance(from: from, to: to) else { return nil }
                farthest = max(farthest, distance)
            }
        }
        return farthest
    }
}

/// What merging over all nodes saves more than within each, against what it has to.
struct ScopeGain {
    private let acrossKiB: UInt64
    private let localKiB: UInt64
    private let errorKiB: UInt64
    private let neededKiB: UInt64
    private let residentKiB: UInt64
    private let percent: Int64

    /// - Returns: `nil` without an estimate, or without guests.
    init?(_ sample: Sample, _ parameters: NUMAParameters, _ estimate: ScopeEstimate?) {
        guard let estimate else { return nil }
        residentKiB = sample.guests.reduce(0 as UInt64) { $0.plus($1.rssKiB) }
        guard residentKiB > 0 else { return nil }
        acrossKiB = estimate.acrossBytes / 1024
        localKiB = estimate.localBytes / 1024
        errorKiB = estimate.errorBytes / 1024
        percent = min(max(parameters.acrossGainPercent, 0), 100)
        // Nothing is never a gain.
        neededKiB = max(residentKiB.percent(percent), 1)
    }

    /// Also with the error against it.
    var isSure: Bool { acrossKiB.minus(localKiB).minus(errorKiB) >= neededKiB }

    /// Whether across pays: to get there for sure, to stay there perhaps, so that an estimate at the limit does not
    /// make the scope go to and fro.
    func holds(_ ksm: KSMAttributes) -> Bool {
        let isAcross = ksm.number(.merge_across_nodes) == 1
        return isAcross ? acrossKiB.plus(errorKiB).minus(localKiB) >= neededKiB : isSure
    }

    /// The numbers, without a verdict.
    var sentence: String {
        let gain = acrossKiB.minus(localKiB)
        let sizes = Sizes(gain, residentKiB)
        return "merging over all nodes saves \(sizes.text(gain)) (± \(sizes.text(errorKiB))) more than within each, "
            + "the limit is \(percent) % of the guests' \(sizes.text(residentKiB))"
    }
}
