package import KSMModel

/// What `ksmctl numa --measure` shows: measured access times beside the firmware's distances.
package struct LatencyReport: Sendable {
    package var topology: Topology
    package var latencies: [AccessLatency]
    /// Bytes that were read on each node.
    package var bytes: [Int: UInt64]
    /// What could not be measured, a sentence each.
    package var problems: [String]

    /// Measured times of a machine with these nodes.
    package init(topology: Topology, latencies: [AccessLatency], bytes: [Int: UInt64], problems: [String]) {
        self.topology = topology
        self.latencies = latencies
        self.bytes = bytes
        self.problems = problems
    }

    /// How much longer an access takes than one from the same node to its own memory; `nil` where either is unknown.
    func ratio(_ latency: AccessLatency) -> Double? {
        let own = latencies.first { $0.cpuNode == latency.cpuNode && $0.memoryNode == latency.cpuNode }
        guard let here = own?.nanoseconds, here > 0, let there = latency.nanoseconds else { return nil }
        return there / here
    }

    /// The same ratio as the firmware has it: its distances are tenths of the local one.
    func promised(_ latency: AccessLatency) -> Double? {
        topology.distance(from: latency.cpuNode, to: latency.memoryNode).map { Double($0) / 10 }
    }

    /// A table for people, one line for each pair of nodes.
    package var text: String {
        var table = TextTable([
            .init("CPU ON NODE"), .init("MEMORY ON NODE", .right), .init("NS PER ACCESS", .right),
            .init("MEASURED", .right), .init("FIRMWARE", .right),
        ])
        for latency in latencies {
            table.add([
                String(latency.cpuNode), String(latency.memoryNode), number(latency.nanoseconds, decimals: 1),
                number(ratio(latency)), number(promised(latency)),
            ])
        }
        var result = table.text()
        for problem in problems { result += TextLayout.wrap(Human.plain(problem), first: "- ", indent: 2) }
        return result + TextLayout.wrap(LatencyReport.note)
    }

    private static let note =
        "MEASURED and FIRMWARE are multiples of the node's own memory. The memory that was read is this program's: "
        + "a merged page costs what any page on that node costs."

    /// The table for machines.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.array("latencies") { json in
                for latency in latencies {
                    json.object { json in
                        json.member("cpu_node", latency.cpuNode)
                        json.member("memory_node", latency.memoryNode)
                        json.member("nanoseconds", decimal: latency.nanoseconds)
                        json.member("ratio", decimal: ratio(latency))
                        json.member("distance", topology.distance(from: latency.cpuNode, to: latency.memoryNode))
                        json.member("read_bytes", bytes[latency.memoryNode])
                    }
                }
            }
            json.member("unreadable", problems)
        }
    }

    private func number(_ value: Double?, decimals: Int = 2) -> String {
        guard let value, value.isFinite, value >= 0, value < 1e12 else { return "?" }
        let scale: UInt64 = decimals == 1 ? 10 : 100
        let parts = UInt64((value * Double(scale)).rounded())
        let rest = String(parts % scale)
        return "\(parts / scale)." + String(repeating: "0", count: max(0, decimals - rest.count)) + rest
    }
}
