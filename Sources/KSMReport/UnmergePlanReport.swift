package import KSMModel

/// What `--dry-run` of `ksmctl numa set` and `ksmctl unmerge` prints.
package struct UnmergePlanReport: Sendable {
    package var plan: UnmergePlan

    /// The report about one plan.
    package init(_ plan: UnmergePlan) {
        self.plan = plan
    }

    /// The plan for people, within 80 columns: pages, memory needed and present by place, and times.
    /// - Parameter pageSize: bytes per page of the host.
    package func text(pageSize: UInt64) -> String {
        let size = Human.size(plan.pages.multipliedReportingOverflow(by: pageSize).partialValue)
        var result = figure("Un-shares", "\(Human.count(plan.pages, "page")), \(size)")
        result += figure("Longest stall", "\(Human.interval(milliseconds: plan.stallMilliseconds)) of one guest's mmap")
        result += figure("Total time", "about \(Human.interval(milliseconds: plan.totalMilliseconds))")
        if !plan.needs.isEmpty { result += "\n" + table }
        for remark in plan.remarks { result += TextLayout.wrap(Human.plain(remark), first: "- ", indent: 2) }
        return result
    }

    private var table: String {
        var table = TextTable([
            .init("PLACE"), .init("NEEDED", .right), .init("PRESENT", .right), .init("RESERVE", .right), .init(""),
        ])
        for need in plan.needs {
            table.add([
                UnmergePlanReport.name(need.place), size(need.neededKiB), size(need.presentKiB),
                size(need.reserveKiB), UnmergePlanReport.verdict(need),
            ])
        }
        return table.text()
    }

    private static func name(_ place: UnmergePlan.Place) -> String {
        switch place {
        case .host: "host"
        case .node(let node): "node \(node)"
        case .cgroup(let path, let guest): "\(guest) in \(path)"
        }
    }

    private static func verdict(_ need: UnmergePlan.Need) -> String {
        if need.isMet { return "ok" }
        let wanted = need.neededKiB.addingReportingOverflow(need.reserveKiB)
        let missing = wanted.overflow ? UInt64.max : wanted.partialValue - need.presentKiB
        return "short by \(Human.size(bytes(missing)))"
    }

    private func size(_ kib: UInt64) -> String { Human.size(bytes(kib)) }

    private func figure(_ title: String, _ text: String) -> String {
        TextLayout.wrap(text, first: TextLayout.pad(title, to: 15), indent: 15)
    }

    /// The plan for machines, as a member.
    package func write(_ key: String, to json: inout JSONWriter) {
        json.object(key) { json in
            json.member("pages", plan.pages)
            json.member("stall_ms", plan.stallMilliseconds)
            json.member("total_ms", plan.totalMilliseconds)
            json.array("needs") { json in
                for need in plan.needs { json.object { UnmergePlanReport.write(need, to: &$0) } }
            }
            json.member("remarks", plan.remarks)
        }
    }

    private static func write(_ need: UnmergePlan.Need, to json: inout JSONWriter) {
        switch need.place {
        case .host: json.member("place", "host")
        case .node(let node):
            json.member("place", "node")
            json.member("node", node)
        case .cgroup(let path, let guest):
            json.member("place", "cgroup")
            json.member("cgroup", path)
            json.member("guest", guest)
        }
        json.member("needed_bytes", bytes(need.neededKiB))
        json.member("present_bytes", bytes(need.presentKiB))
        json.member("reserve_bytes", bytes(need.reserveKiB))
        json.member("is_met", need.isMet)
    }
}
