import KSMModel
import KSMReport

/// Two sockets of 64 GiB: node 0 nearly full, two guests, merged over all nodes.
enum TwoNodes {
    static var topology: Topology {
        Topology(nodes: [
            Node(number: 0, hasMemory: true, cpus: Array(0..<16), distances: [10, 21]),
            Node(number: 1, hasMemory: true, cpus: Array(16..<32), distances: [21, 10]),
        ])
    }

    static var sample: Sample {
        var sample = Fixture.sample
        sample.monotonicNanoseconds = 100_000_000_000
        sample.ksm[.merge_across_nodes] = .unsigned(1)
        sample.topology = topology
        sample.nodes = [memory(0, available: 2 << 20), memory(1, available: 40 << 20)]
        sample.survey = survey
        return sample
    }

    private static func memory(_ node: Int, available: UInt64) -> NodeMemory {
        var memory = NodeMemory(node: node, totalKiB: 64 << 20, freeKiB: available / 2, anonKiB: 20 << 20)
        memory.availableKiB = available
        return memory
    }

    static var placement: GuestPlacement {
        var placement = GuestPlacement(pid: 1234, startTicks: 5000)
        placement.own = [0: 700, 1: 20]
        placement.merged = [0: 180, 1: 90, 3: 10]
        placement.step = 100
        return placement
    }

    static var survey: Survey {
        Survey(
            monotonicNanoseconds: 88_000_000_000,
            cpuNanoseconds: 310_000_000,
            signal: .kpageflags,
            guests: [placement]
        )
    }

    static let pressure = [
        NodePressure(
            node: 0,
            totalKiB: 64 << 20,
            availableKiB: 2 << 20,
            thresholdKiB: 13 << 20,
            hasGuests: true
        ),
        NodePressure(
            node: 1,
            totalKiB: 64 << 20,
            availableKiB: 40 << 20,
            thresholdKiB: 13 << 20,
            hasGuests: false
        ),
    ]

    static let exposure = Exposure(
        host: .init(node: nil, promisedKiB: 48 << 20, availableKiB: 42 << 20),
        nodes: [
            .init(node: 0, promisedKiB: 30 << 20, availableKiB: 2 << 20),
            .init(node: 1, promisedKiB: 18 << 20, availableKiB: 40 << 20),
        ],
        breaksPerSecond: 1200.5,
        secondsUntilShort: 9240
    )

    static let decision = ScopeDecision(
        current: .across,
        wanted: .local,
        action: .keep,
        reason: Reason(code: "unmerge-needed", sentence: "nodes are 21 apart, and 48.0 GiB would have to be un-shared")
    )

    static var numa: StateReport.NUMA {
        var numa = StateReport.NUMA(
            sample,
            pressure: pressure,
            exposure: exposure,
            merged: [(0, 900 << 10), (1, 450 << 10)],
            nowRealtimeSeconds: Fixture.now
        )
        numa.scope = .init(decision)
        numa.remoteShare = Share(value: 0.4312, error: 0.021)
        numa.activation = .init(node: 0, shortBytes: 11 << 30, sentence: "node 0 is short: 2.0 GiB are available")
        return numa
    }

    static var report: NUMAReport {
        var report = NUMAReport(topology: topology, numa: numa, setting: .auto)
        report.nowRealtimeSeconds = Fixture.now
        report.auto = .init(decision)
        report.guests = [
            NUMAReport.Guest(
                sample.guests[0],
                pageSize: 4096,
                placement: placement,
                home: 0,
                remoteShare: Share(value: 0.357, error: 0.03)
            ),
            NUMAReport.Guest(sample.guests[1], pageSize: 4096, placement: nil, home: nil, remoteShare: nil),
        ]
        return report
    }

    static func object(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        write(&json)
        return json.text
    }
}
