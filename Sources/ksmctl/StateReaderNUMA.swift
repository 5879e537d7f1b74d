import KSMModel
import KSMReport

/// `numa` of the state file, as far as it can be made sense of.
struct NUMAContents: Decodable {
    var numa = StateReport.NUMA()

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        numa.scope = members.value("scope", as: ScopeContents.self)?.scope
        numa.exposure = members.value("exposure", as: ExposureContents.self)?.exposure
        numa.remoteShare = members.value("remote_share", as: ShareContents.self)?.share
        numa.survey = members.value("survey", as: SurveyContents.self)?.survey
        numa.activation = members.value("activation", as: ActivationContents.self)?.activation
        numa.nodes = members.value("nodes", as: [NodeContents].self)?.compactMap(\.node) ?? []
    }
}

private struct ScopeContents: Decodable {
    var scope: StateReport.NUMA.Scope

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        let reason = Reason(code: members.value("reason_code") ?? "", sentence: members.value("reason") ?? "")
        scope = .init(
            ScopeDecision(
                current: members.word("current"),
                wanted: members.word("wanted"),
                action: members.word("action") ?? .keep,
                reason: reason
            ),
            setByHand: members.value("set_by_hand", as: HandContents.self)?.hand
        )
    }
}

private struct HandContents: Decodable {
    var hand: StateReport.NUMA.ByHand?

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        guard let setting = members.word("setting", as: ScopeSetting.self) else { return }
        hand = .init(
            setting: setting,
            by: members.value("by") ?? "somebody",
            sinceRealtimeSeconds: members.value("since_realtime")
        )
    }
}

private struct ExposureContents: Decodable {
    var exposure: StateReport.NUMA.HostExposure?

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        guard let promised: UInt64 = members.value("promised_bytes"),
            let available: UInt64 = members.value("available_bytes")
        else { return }
        var exposure = StateReport.NUMA.HostExposure(promisedBytes: promised, availableBytes: available)
        exposure.breaksPerSecond = members.value("breaks_per_second")
        exposure.secondsUntilShort = members.value("seconds_until_short")
        self.exposure = exposure
    }
}

private struct ShareContents: Decodable {
    var share: Share?

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        guard let value: Double = members.value("value") else { return }
        share = Share(value: value, error: members.value("error") ?? 0)
    }
}

private struct SurveyContents: Decodable {
    var survey: StateReport.NUMA.SurveyNote

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        survey = .init(
            takenRealtimeSeconds: members.value("taken_realtime"),
            cpuNanoseconds: members.nanoseconds("cpu_seconds") ?? 0,
            signal: members.word("signal")
        )
    }
}

private struct ActivationContents: Decodable {
    var activation: StateReport.NUMA.Activation?

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        guard let sentence: String = members.value("sentence") else { return }
        activation = .init(
            node: members.value("node"),
            shortBytes: members.value("short_bytes") ?? 0,
            sentence: sentence
        )
    }
}

private struct NodeContents: Decodable {
    var node: StateReport.NUMA.NodeFigures?

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        guard let number: Int = members.value("node") else { return }
        var node = StateReport.NUMA.NodeFigures(node: number, cpus: members.value("cpus") ?? 0)
        node.totalBytes = members.value("total_bytes") ?? 0
        node.freeBytes = members.value("free_bytes") ?? 0
        node.availableBytes = members.value("available_bytes")
        node.anonBytes = members.value("anon_bytes")
        node.thresholdBytes = members.value("threshold_bytes")
        node.shortBytes = members.value("short_bytes") ?? 0
        node.hasGuests = members.value("has_guests") ?? false
        node.promisedBytes = members.value("promised_bytes")
        node.exposureShortBytes = members.value("exposure_short_bytes") ?? 0
        node.mergedBytes = members.value("merged_bytes")
        self.node = node
    }
}
