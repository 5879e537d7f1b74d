import KSMModel

extension StateReport.NUMA {
    /// The object that the state file, `ksmctl status` and `ksmctl numa` share.
    package func write(_ key: String, to json: inout JSONWriter) {
        json.object(key) { writeMembers(to: &$0) }
    }

    func writeMembers(to json: inout JSONWriter) {
        json.optional("scope", scope) { $0.writeMembers(to: &$1) }
        json.optional("exposure", exposure) { $0.writeMembers(to: &$1) }
        json.share("remote_share", remoteShare)
        json.optional("survey", survey) { survey, json in
            json.member("taken_realtime", survey.takenRealtimeSeconds)
            json.member("cpu_seconds", seconds: survey.cpuNanoseconds)
            json.member("signal", survey.signal?.rawValue)
        }
        json.optional("activation", activation) { $0.writeMembers(to: &$1) }
        json.array("nodes") { json in
            for node in nodes { json.object { node.writeMembers(to: &$0) } }
        }
    }
}

extension StateReport.NUMA.Scope {
    /// The members of `scope`.
    package func writeMembers(to json: inout JSONWriter) {
        json.member("current", current?.rawValue)
        json.member("wanted", wanted?.rawValue)
        json.member("action", action.rawValue)
        json.member("reason_code", reasonCode)
        json.member("reason", reason)
        json.optional("set_by_hand", setByHand) { hand, json in
            json.member("setting", hand.setting.rawValue)
            json.member("by", hand.by)
            json.member("since_realtime", hand.sinceRealtimeSeconds)
        }
    }
}

extension StateReport.NUMA.HostExposure {
    func writeMembers(to json: inout JSONWriter) {
        json.member("promised_bytes", promisedBytes)
        json.member("available_bytes", availableBytes)
        json.member("short_bytes", shortBytes)
        json.member("breaks_per_second", decimal: breaksPerSecond)
        json.member("seconds_until_short", secondsUntilShort)
    }
}

extension StateReport.NUMA.Activation {
    /// The members of `activation`.
    package func writeMembers(to json: inout JSONWriter) {
        json.member("node", node)
        json.member("short_bytes", shortBytes)
        json.member("sentence", sentence)
    }
}

extension StateReport.NUMA.NodeFigures {
    func writeMembers(to json: inout JSONWriter) {
        json.member("node", node)
        json.member("cpus", cpus)
        json.member("total_bytes", totalBytes)
        json.member("free_bytes", freeBytes)
        json.member("available_bytes", availableBytes)
        json.member("anon_bytes", anonBytes)
        json.member("threshold_bytes", thresholdBytes)
        json.member("short_bytes", shortBytes)
        json.member("has_guests", hasGuests)
        json.member("promised_bytes", promisedBytes)
        json.member("exposure_short_bytes", exposureShortBytes)
        json.member("merged_bytes", mergedBytes)
    }
}

extension JSONWriter {
    /// An object as a member, or null where there is nothing.
    package mutating func optional<Value>(
        _ key: String,
        _ value: Value?,
        _ body: (Value, inout JSONWriter) -> Void
    ) {
        guard let value else { return member(key, String?.none) }
        object(key) { body(value, &$0) }
    }

    /// A share with its error, `{"value":0.43,"error":0.02}`, or null.
    mutating func share(_ key: String, _ share: Share?) {
        optional(key, share) { share, json in
            json.member("value", decimal: share.value)
            json.member("error", decimal: share.error)
        }
    }
}
