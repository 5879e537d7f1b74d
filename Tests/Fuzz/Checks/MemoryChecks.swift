import KSMModel
import KSMText

/// Memory of the host and of its nodes.
enum MemoryChecks {
    static func meminfo(_ input: [UInt8]) throws(Violation) {
        let lines = Plain.lines(input)
        func number(_ key: String) -> UInt64? { Plain.unsigned(Plain.last(key, in: lines)) }
        var wanted = MemoryInfo()
        wanted.memTotalKiB = number("MemTotal:")
        wanted.memFreeKiB = number("MemFree:")
        wanted.memAvailableKiB = number("MemAvailable:")
        wanted.buffersKiB = number("Buffers:")
        wanted.cachedKiB = number("Cached:")
        wanted.anonPagesKiB = number("AnonPages:")
        wanted.swapTotalKiB = number("SwapTotal:")
        wanted.swapFreeKiB = number("SwapFree:")
        let info = MemoryInfo.parse(input.span)
        try same(info, wanted, "meminfo")
        _ = info.classicFreeKiB
    }

    static func node(_ input: [UInt8]) throws(Violation) {
        let lines = Plain.lines(input)
        func number(_ key: String) -> UInt64? { Plain.unsigned(Plain.last(key, in: lines, column: 2)) }
        let node = NodeMemory.parse(input.span, node: 3)
        guard let total = number("MemTotal:"), let free = number("MemFree:") else {
            return try same(node, nil, "a node without total or free memory")
        }
        var wanted = NodeMemory(
            node: 3,
            totalKiB: total,
            freeKiB: free,
            anonKiB: number("AnonPages:"),
            fileKiB: number("FilePages:")
        )
        let cache = [number("Active(file):"), number("Inactive(file):")]
        let parts = cache + [number("KReclaimable:") ?? number("SReclaimable:")]
        if parts.allSatisfy({ $0 != nil }) {
            wanted.reclaimableKiB = parts.reduce(0) { sum, part in
                let (total, overflow) = sum.addingReportingOverflow(part ?? 0)
                return overflow ? .max : total
            }
        }
        try same(node, wanted, "meminfo of a node")
        try available(wanted)
    }

    /// Whatever two nodes have, together they do not offer more than the host.
    private static func available(_ node: NodeMemory) throws(Violation) {
        for host in [0, node.freeKiB / 3, node.freeKiB, node.totalKiB, .max] {
            var nodes = [node, node]
            NodeMemory.fillAvailable(&nodes, hostKiB: host)
            let (sum, overflow) = (nodes[0].availableKiB ?? 0).addingReportingOverflow(nodes[1].availableKiB ?? 0)
            // Sums of more than 2^64 KiB are not worth being exact.
            if node.freeKiB >= 1 << 62 || node.reclaimableKiB ?? 0 >= 1 << 62 { continue }
            try ensure(host == .max || (!overflow && sum <= host), "nodes offer \(sum) KiB of \(host)")
        }
    }

    static func pressure(_ input: [UInt8]) throws(Violation) {
        let pressure = PressureStall.parse(input.span)
        for (name, line) in [("some", pressure.some), ("full", pressure.full)] {
            guard let line else { continue }
            for average in [line.avg10, line.avg60, line.avg300] {
                try ensure(average <= 10_000, "\(name): \(average) hundredths are more than the whole time")
            }
        }
        let text = Array((print("some", pressure.some) + print("full", pressure.full)).utf8)
        try same(PressureStall.parse(text.span), pressure, "pressure printed and parsed")
    }

    /// As psi_show of kernel/sched/psi.c prints a line.
    private static func print(_ name: String, _ line: PressureStall.Line?) -> String {
        guard let line else { return "" }
        func percent(_ value: UInt32) -> String { "\(value / 100).\(value % 100 / 10)\(value % 10)" }
        return "\(name) avg10=\(percent(line.avg10)) avg60=\(percent(line.avg60)) avg300=\(percent(line.avg300))"
            + " total=\(line.totalMicroseconds)\n"
    }

    static func vmstat(_ input: [UInt8]) throws(Violation) {
        let lines = Plain.lines(input)
        var wanted = KSMEvents()
        wanted.cow_ksm = Plain.unsigned(Plain.last("cow_ksm", in: lines))
        wanted.ksm_swpin_copy = Plain.unsigned(Plain.last("ksm_swpin_copy", in: lines))
        try same(KSMEvents.parse(input.span), wanted, "vmstat")
    }

    /// `nodeN/distance`.
    static func distances(_ input: [UInt8]) throws(Violation) {
        let words = Plain.lines(input)[0]
        let wanted = words.map { Plain.unsigned($0) }
        guard let distances = try? NodeDistances.parse(input.span) else {
            let isBroken = wanted.contains { $0 == nil || $0 ?? 0 > 255 } || words.count > NodeList.limit
            return try ensure(isBroken, "good distances are refused")
        }
        try same(distances.map { UInt64($0) }, wanted.compactMap { $0 }, "distances")
    }

    static func nodeList(_ input: [UInt8]) throws(Violation) {
        guard let nodes = try? NodeList.parse(input.span) else { return }
        let cpus = (try? NodeList.parse(input.span, below: NodeList.cpuLimit)) ?? []
        try ensure(cpus.allSatisfy { $0 >= 0 && $0 < NodeList.cpuLimit }, "a CPU out of range in \(cpus)")
        try ensure(nodes.allSatisfy { $0 >= 0 && $0 < NodeList.limit }, "a node out of range in \(nodes)")
        try ensure(zip(nodes, nodes.dropFirst()).allSatisfy { $0 < $1 }, "nodes out of order in \(nodes)")
        let text = Array((nodes.map { String($0) }.joined(separator: ",") + "\n").utf8)
        try same(try? NodeList.parse(text.span), nodes, "a list printed and parsed")
    }
}
