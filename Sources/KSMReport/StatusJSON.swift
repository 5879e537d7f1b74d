import KSMModel

extension StatusReport {
    /// The status for machines; `null` where something is unknown.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("state", state)
            json.member("reason_code", reasonCode)
            json.member("reason", reason)
            writeFigures(to: &json)
            writeDaemon(to: &json)
            json.object("attributes") { json in
                for attribute in Attribute.allCases { json.member(attribute, sample.ksm[attribute]) }
            }
            numa.write("numa", to: &json)
            json.array("guests") { json in
                for guest in guests { json.object { guest.writeMembers(to: &$0) } }
            }
            json.member("warnings", warnings)
            json.member("unreadable", unreadable)
        }
    }

    private func writeFigures(to json: inout JSONWriter) {
        json.member("saved_bytes", sample.ksm.savedBytes(pageSize: sample.pageSize))
        json.member("net_saved_bytes", sample.ksm.netSavedBytes(pageSize: sample.pageSize))
        // Since boot, whoever tuned; the daemon's own account is in `daemon`.
        json.member("scanner_cpu_seconds", seconds: sample.scanner?.cpuNanoseconds)
    }

    private func writeDaemon(to json: inout JSONWriter) {
        guard let report = daemonReport else { return json.member("daemon", String?.none) }
        json.object("daemon") { json in
            json.member("pid", report.pid)
            json.member("version", report.daemonVersion)
            json.member("policy", report.policy)
            json.member("started_realtime", report.startedRealtimeSeconds)
            json.member("tick", report.tick)
            json.member("last_tick_realtime", report.lastTickRealtimeSeconds)
            json.member("interval_ms", report.intervalMilliseconds)
            json.member("scanning_stopped_realtime", report.scanningStoppedRealtimeSeconds)
            json.member("scanner_cpu_seconds", seconds: report.scannerCPUNanoseconds)
            json.member("scanner_cpu_permille", report.scannerCPUPermille)
            json.writes("found", report.found)
        }
    }
}

extension JSONWriter {
    /// The value of an attribute as a number or a word; nothing at all where this kernel lacks it.
    mutating func member(_ attribute: Attribute, _ value: AttributeValue?) {
        switch value {
        case .unsigned(let number): member(attribute.name, number)
        case .signed(let number): member(attribute.name, number)
        case .word(let word): member(attribute.name, word)
        case nil: break
        }
    }
}
