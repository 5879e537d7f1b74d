package import KSMModel

/// Where one guest's memory belongs, and where its merged pages lie.
package struct GuestHome: Equatable, Sendable {
    package var startTicks: UInt64
    package var home: HomeDistribution
    /// Where its merged pages lie, ascending by node; empty where none was sampled.
    package var merged: [NodePart]
    /// Nodes that have at least a tenth of its memory, merged or not; `nil` where none was found.
    let places: [Int]?
    /// Sampled pages that are merged.
    let samples: Double
    /// Those of them that lie on none of its home nodes.
    let remoteSamples: Double
    let step: Double

    init?(_ placement: GuestPlacement, scope: MergeScope?) {
        guard let home = HomeDistribution(placement, scope: scope) else { return nil }
        let counts = PageCounts(placement.merged)
        let all = PageCounts(placement)
        places =
            all.total > 0 ? all.parts.filter { $0.share * 100 >= Double(NodeActivation.guestPercent) }.map(\.node) : nil
        startTicks = placement.startTicks
        self.home = home
        merged = counts.parts
        samples = counts.total
        let remote = counts.parts.filter { !home.homeNodes.contains($0.node) }
        remoteSamples = remote.reduce(0) { $0 + $1.share } * counts.total
        step = placement.step
    }

    /// The part of its merged pages that lies on none of its home nodes; `nil` where no merged page was sampled.
    package var remoteShare: Share? { sampled.flatMap { SampledShare.combined([(1, $0)]) } }

    var sampled: SampledShare? {
        samples > 0 ? SampledShare(hits: remoteSamples, samples: samples, step: step) : nil
    }

    /// The guest's merged pages: as the kernel counts them, else as sampled.
    func mergedPages(_ guest: Guest) -> Double {
        if let pages = guest.mergingPages { return Double(pages) }
        return step.isFinite ? max(samples * step, 0) : samples
    }

    /// A full count that has found nothing merged.
    fileprivate var isSurelyUnmerged: Bool { samples == 0 && step <= 1 }
}

/// Where the guests' memory belongs, as the last survey has found it.
///
/// Changes only with a survey: keep it instead of making it at each tick.
package struct Homes: Equatable, Sendable {
    private var homes: [Int32: GuestHome]
    /// Whether there was one.
    var isSurveyed: Bool { surveyNanoseconds != nil }
    /// The survey that it was made of.
    private var surveyNanoseconds: UInt64?
    private(set) var scope: MergeScope?
    /// Whether the survey could tell merged pages from others.
    package private(set) var tellsMerged: Bool

    /// - Parameter scope: how pages are merged now.
    package init(_ survey: Survey?, scope: MergeScope?) {
        homes = [:]
        for placement in survey?.guests ?? [] {
            homes[placement.pid] = GuestHome(placement, scope: scope)
        }
        surveyNanoseconds = survey?.monotonicNanoseconds
        self.scope = scope
        tellsMerged = survey?.signal != nil
    }

    package init(_ sample: Sample) {
        self.init(sample.survey, scope: sample.ksm.number(.merge_across_nodes).flatMap { MergeScope(value: $0) })
    }

    /// Makes it anew when there is another survey, or another scope.
    package mutating func update(_ sample: Sample) {
        let scope = sample.ksm.number(.merge_across_nodes).flatMap { MergeScope(value: $0) }
        guard sample.survey?.monotonicNanoseconds != surveyNanoseconds || scope != self.scope else { return }
        self = Homes(sample.survey, scope: scope)
    }

    /// `nil` for a guest that has not been looked at, or that has another process' pid.
    package subscript(guest: Guest) -> GuestHome? {
        guard let home = homes[guest.pid], home.startTicks == guest.startTicks else { return nil }
        return home
    }

    /// The part of all merged pages of these guests that lies on none of its guest's home nodes.
    ///
    /// Each guest has the weight of its merged pages. A guest with merged pages of which none was sampled can have any
    /// share. Guests that were not looked at do not count.
    /// - Returns: `nil` where no merged page was sampled.
    package func remoteShare(_ guests: [Guest]) -> Share? {
        var known: [(weight: Double, share: SampledShare)] = []
        var unknown = 0.0
        for guest in guests {
            guard let home = self[guest], !home.isSurelyUnmerged else { continue }
            if let share = home.sampled {
                known.append((home.mergedPages(guest), share))
            } else {
                unknown += home.mergedPages(guest)
            }
        }
        guard let guess = SampledShare.combined(known) else { return nil }
        return SampledShare.combined(known + [(unknown, SampledShare(unknown: guess.value))])
    }

    /// Merged memory of these guests by the node where it lies, ascending, in KiB; estimated from the samples.
    ///
    /// A page that three guests have counts three times.
    package func mergedKiB(_ guests: [Guest], pageSize: UInt64) -> [(node: Int, kib: UInt64)] {
        var pages: [Int: Double] = [:]
        for guest in guests {
            guard let home = self[guest] else { continue }
            for part in home.merged { pages[part.node, default: 0] += home.mergedPages(guest) * part.share }
        }
        return pages.sorted { $0.key < $1.key }.map { ($0.key, UInt64(bounded: $0.value).pagesInKiB(pageSize)) }
    }
}
