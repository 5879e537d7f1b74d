import KSMModel
import KSMReport
import KSMSystemd

/// A value of a property on the bus.
enum BusValue: Equatable {
    case text(String)
    case number(UInt64)
    case signed(Int64)
    case small(UInt32)
    case texts([String])
    /// Node, total, free and available KiB.
    case nodes([Node])

    struct Node: Equatable {
        var node: UInt32
        var kib: [UInt64]
    }

    func append(to message: inout BusMessage) {
        switch self {
        case .text(let value): message.append(value)
        case .number(let value): message.append(value)
        case .signed(let value): message.append(value)
        case .small(let value): message.append(value)
        case .texts(let values): message.append(values)
        case .nodes(let nodes):
            message.array(of: "(uttt)") { message in
                for node in nodes {
                    message.structure("uttt") { message in
                        message.append(node.node)
                        for kib in node.kib { message.append(kib) }
                    }
                }
            }
        }
    }
}

/// What the properties of `org.ksmd1` say at one moment.
struct BusFacts: Equatable {
    /// The properties that change: name and signature, in the order of the manual page.
    static let properties: [(name: String, signature: String)] = [
        ("State", "s"), ("ReasonCode", "s"), ("Reason", "s"), ("Policy", "s"), ("SavedBytes", "t"),
        ("NetSavedBytes", "x"), ("ScannerCPUUSec", "t"), ("ScannerCPUPermille", "u"), ("Scope", "s"),
        ("LastDecision", "s"), ("LastDecisionUSec", "t"), ("Guests", "u"), ("EventSources", "as"),
        ("PausedUntilUSec", "t"), ("PauseReason", "s"), ("Nodes", "a(uttt)"),
    ]

    /// In the same order.
    var values: [BusValue]

    init(_ report: StateReport, lastDecision: (message: String, realtimeMicroseconds: UInt64)?) {
        let pause = report.hold.flatMap { $0.kind == .pause ? $0 : nil }
        values = [
            .text(report.state.rawValue), .text(report.reasonCode), .text(report.reason), .text(report.policy),
            .number(report.savedBytes ?? 0), .signed(report.netSavedBytes ?? 0),
            .number((report.scannerCPUNanoseconds ?? 0) / 1000), .small(report.scannerCPUPermille ?? 0),
            .text(report.numa?.scope?.current?.rawValue ?? ""), .text(lastDecision?.message ?? ""),
            .number(lastDecision?.realtimeMicroseconds ?? 0), .small(UInt32(clamping: report.guests.count)),
            .texts(report.events.filter { $0.condition == .active }.map(\.name.rawValue)),
            .number((pause?.untilRealtimeSeconds ?? 0) * 1_000_000), .text(pause?.reason ?? ""),
            .nodes((report.numa?.nodes ?? []).map { BusFacts.node($0) }),
        ]
    }

    private static func node(_ node: StateReport.NUMA.NodeFigures) -> BusValue.Node {
        BusValue.Node(
            node: UInt32(clamping: node.node),
            kib: [node.totalBytes, node.freeBytes, node.availableBytes ?? 0].map { $0 / 1024 }
        )
    }

    /// The names of those that are not as they were.
    func changes(since before: BusFacts) -> [String] {
        BusFacts.properties.indices.filter { values[$0] != before.values[$0] }.map { BusFacts.properties[$0].name }
    }
}
