package import KSMModel

/// How short memory would be if guests stopped having equal pages, and how soon at the rate at which they do.
package struct ExposureMeter: Sendable {
    /// What one sample brought.
    package struct Reading: Sendable {
        /// `nil` where memory or the counters of KSM cannot be read.
        package var exposure: Exposure?
        package var alarms: [ExposureAlarm]
    }

    private var rate = BreakRate()
    private var unseen = UnseenBreaks()
    private var homes = Homes(nil, scope: nil)
    private var arming = AlarmArming()

    package init() {}

    /// Takes in a sample.
    /// - Parameters:
    ///   - ignoreBreaks: ksmd itself is un-sharing, which the kernel counts as breaks too.
    ///   - known: the homes of this sample's survey, where somebody keeps them already.
    package mutating func step(_ seen: Sample, ignoreBreaks: Bool = false, homes known: Homes? = nil) -> Reading {
        var sample = seen
        sample.ksm = unseen.take(seen)
        guard let saved = sample.ksm.savedPages, let host = ExposureMeter.host(sample, saved) else {
            rate.forget()
            return Reading(exposure: nil, alarms: [])
        }
        // Breaks of what was merged before say nothing about what will be.
        if saved == 0 { rate.forget() }
        rate.take(sample.events.cow_ksm, at: sample.monotonicNanoseconds, isIgnored: ignoreBreaks)
        if let known { homes = known } else { homes.update(sample) }
        var exposure = Exposure(host: host, nodes: nodes(sample, host))
        exposure.breaksPerSecond = rate.perSecond
        exposure.secondsUntilShort = secondsUntilShort(exposure, sample)
        let isSure = rate.isSettled || isUrgent(exposure)
        return Reading(exposure: exposure, alarms: arming.take(exposure, isTimeSure: isSure))
    }

    /// Memory may end before a better figure is there: two more intervals, and as much again to do something.
    private func isUrgent(_ exposure: Exposure) -> Bool {
        exposure.secondsUntilShort.map { Double($0) < 4 * rate.intervalSeconds } ?? false
    }

    private static func host(_ sample: Sample, _ saved: UInt64) -> Exposure.Place? {
        guard let available = sample.memory.memAvailableKiB ?? sample.memory.memFreeKiB else { return nil }
        return Exposure.Place(
            node: nil,
            promisedKiB: saved.pagesInKiB(sample.pageSize),
            availableKiB: available
        )
    }

    private func nodes(_ sample: Sample, _ host: Exposure.Place) -> [Exposure.Place] {
        let copies = Copies(sample, homes)
        let room = RoomShares(sample.nodes)
        return sample.nodes.map { memory in
            let pages = copies.net(memory.node) + copies.anywhere * room[memory.node]
            let promised = UInt64(bounded: pages).pagesInKiB(sample.pageSize)
            return Exposure.Place(
                node: memory.node,
                promisedKiB: sample.nodes.count == 1 ? host.promisedKiB : promised,
                availableKiB: memory.availableKiB ?? memory.freeKiB
            )
        }
    }

    // MARK: How soon

    /// The least time over all places that would be short.
    private func secondsUntilShort(_ exposure: Exposure, _ sample: Sample) -> UInt64? {
        guard let breaks = exposure.breaksPerSecond, breaks > 0 else { return nil }
        let pageKiB = Double(sample.pageSize) / 1024
        let kibPerSecond = breaks * sample.ksm.pagesPerBreak * pageKiB
        let promised = exposure.nodes.reduce(0) { $0 + Double($1.promisedKiB) }
        let times = ([exposure.host] + exposure.nodes).filter { $0.shortKiB > 0 }
            .map { place in
                let part = place.node == nil || promised == 0 ? 1 : Double(place.promisedKiB) / promised
                return Double(place.availableKiB) / (kibPerSecond * part)
            }
        return times.min().map { UInt64(bounded: $0) }
    }
}
