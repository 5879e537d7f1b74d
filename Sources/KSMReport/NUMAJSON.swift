import KSMModel

extension NUMAReport {
    /// The report for machines: the members of the state file's `numa`, and what only this command looks at.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("daemon_pid", daemonPID)
            json.member("setting", setting.rawValue)
            json.optional("auto", auto) { auto, json in
                json.member("wanted", auto.wanted?.rawValue)
                json.member("action", auto.action.rawValue)
                json.member("reason_code", auto.reasonCode)
                json.member("reason", auto.reason)
            }
            numa.writeMembers(to: &json)
            writeTopology(to: &json)
            json.array("guests") { json in
                for guest in guests { json.object { guest.writeMembers(to: &$0) } }
            }
            json.member("warnings", warnings)
            json.member("unreadable", problems)
        }
    }

    private func writeTopology(to json: inout JSONWriter) {
        json.array("topology") { json in
            for node in topology.nodes {
                json.object { json in
                    json.member("node", node.number)
                    json.member("has_memory", node.hasMemory)
                    json.numbers("cpu_list", node.cpus)
                    json.numbers("distances", node.distances)
                    json.member("guests_at_home", guestsAtHome(on: node.number))
                }
            }
        }
    }
}

extension NUMAReport.Guest {
    func writeMembers(to json: inout JSONWriter) {
        json.member("name", name)
        json.member("pid", pid)
        json.member("start_ticks", startTicks)
        json.member("rss_bytes", rssBytes)
        json.member("merged_bytes", mergedBytes)
        json.member("home", home)
        json.array("parts") { json in
            for part in parts {
                json.object { json in
                    json.member("node", part.node)
                    json.member("share", decimal: part.share)
                }
            }
        }
        json.share("remote_share", remoteShare)
    }
}

extension JSONWriter {
    /// Whole numbers as a member.
    mutating func numbers(_ key: String, _ values: [Int]) {
        array(key) { json in
            for value in values { json.element(value) }
        }
    }
}
