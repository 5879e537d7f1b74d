package import KSMModel

/// Something about the exposure that is worth an entry in the journal.
package struct ExposureAlarm: Equatable, Sendable {
    package enum Kind: String, Sendable {
        /// If guests stopped having equal pages, memory would be short; first seen now.
        case short
        /// At the present rate memory ends within the limit.
        case soon
    }

    package var kind: Kind
    /// `nil` is the host.
    package var node: Int?
    package var reason: Reason
}

/// Which alarms may be given: each once, and again only after the danger has clearly gone.
struct AlarmArming {
    /// Time left at which it is said: long enough to move a guest away.
    static let limitSeconds: UInt64 = 3600
    /// Time left from which it may be said again.
    static let rearmSeconds: UInt64 = 7200
    /// The promise is under this part of available memory, in percent, before shortness may be said again.
    static let rearmPercent: Int64 = 90

    /// Places that have been said to be short.
    private var short: Set<Int?> = []
    private var isSoonSaid = false

    /// - Parameter isTimeSure: the time left is worth saying; otherwise it waits.
    mutating func take(_ exposure: Exposure, isTimeSure: Bool) -> [ExposureAlarm] {
        // One node is the host.
        let places = [exposure.host] + (exposure.nodes.count > 1 ? exposure.nodes : [])
        short.formIntersection(places.map(\.node))
        var alarms: [ExposureAlarm] = []
        for place in places {
            if place.promisedKiB <= place.availableKiB.percent(AlarmArming.rearmPercent) { short.remove(place.node) }
            if place.shortKiB > 0, short.insert(place.node).inserted { alarms.append(ExposureAlarm(short: place)) }
        }
        if let alarm = soon(exposure, isTimeSure) { alarms.append(alarm) }
        return alarms
    }

    private mutating func soon(_ exposure: Exposure, _ isSure: Bool) -> ExposureAlarm? {
        guard let seconds = exposure.secondsUntilShort else {
            if short.isEmpty { isSoonSaid = false }
            return nil
        }
        if seconds >= AlarmArming.rearmSeconds { isSoonSaid = false }
        guard seconds < AlarmArming.limitSeconds, !isSoonSaid, isSure else { return nil }
        isSoonSaid = true
        return ExposureAlarm(soon: exposure, seconds)
    }
}

extension ExposureAlarm {
    /// `the host` or `node 1`.
    private static func name(_ place: Exposure.Place) -> String { place.node.map { "node \($0)" } ?? "the host" }

    private static func fields(_ place: Exposure.Place) -> [Reason.Field] {
        (place.node.map { [Reason.Field(.node, $0)] } ?? []) + [
            Reason.Field(.promisedKiB, place.promisedKiB), Reason.Field(.availableKiB, place.availableKiB),
            Reason.Field(.shortKiB, place.shortKiB),
        ]
    }

    fileprivate init(short place: Exposure.Place) {
        let sizes = Sizes(place.promisedKiB)
        kind = .short
        node = place.node
        reason = Reason(
            code: "exposed",
            sentence:
                "if guests stopped having equal pages, \(ExposureAlarm.name(place)) would be short by "
                + "\(sizes.text(place.shortKiB)): merging saves \(sizes.text(place.promisedKiB)) there, "
                + "\(sizes.text(place.availableKiB)) are available",
            fields: ExposureAlarm.fields(place)
        )
    }

    fileprivate init(soon exposure: Exposure, _ seconds: UInt64) {
        let place = exposure.shortest
        let breaks = UInt64(bounded: exposure.breaksPerSecond ?? 0)
        let sizes = Sizes(place.availableKiB)
        kind = .soon
        node = place.node
        reason = Reason(
            code: "exposed-soon",
            sentence:
                "guests write \(Words.count(breaks, "shared page")) a second: the \(sizes.text(place.availableKiB)) that "
                + "\(ExposureAlarm.name(place)) has available are gone in \(Words.time(seconds: seconds))",
            fields: ExposureAlarm.fields(place) + [
                Reason.Field(.breaksPerSecond, breaks), Reason.Field(.seconds, seconds),
            ]
        )
    }
}

extension Exposure {
    /// The place that is short first: the part of its promise that memory holds is the smallest.
    var shortest: Place {
        let places = [host] + (nodes.count > 1 ? nodes : [])
        let short = places.filter { $0.shortKiB > 0 }
        func held(_ place: Place) -> Double { Double(place.availableKiB) / Double(place.promisedKiB) }
        return short.min { held($0) < held($1) } ?? host
    }
}
