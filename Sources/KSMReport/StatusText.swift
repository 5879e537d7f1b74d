import KSMModel

extension StatusReport {
    /// The status for people, within 80 columns.
    package var text: String {
        var result = TextLayout.wrap(Human.plain("\(state): \(reason)"), indent: 4)
        if let report = daemonReport { result += TextLayout.wrap(Human.plain(daemonLine(report)), indent: 4) }
        if !isKSMAbsent { result += "\n" + figures + "\n" + guestTable }
        result += list("Warnings", warnings)
        result += list("Could not be read", unreadable)
        if !unreadable.isEmpty, let remedy { result += TextLayout.wrap(remedy) }
        return result
    }

    /// Who the daemon is, and how its ticks go.
    private func daemonLine(_ report: StateReport) -> String {
        var line = "ksmd \(report.daemonVersion), pid \(report.pid), policy \(report.policy)"
        if let age = age(of: report.startedRealtimeSeconds) { line += ", for \(Human.duration(seconds: age))" }
        line += "; tick \(report.tick)"
        if let age = age(of: report.lastTickRealtimeSeconds) { line += " \(Human.duration(seconds: age)) ago" }
        return line + ", every \(Human.interval(milliseconds: report.intervalMilliseconds))"
    }

    private var figures: String {
        let ksm = sample.ksm
        var result = figure("Saved", savedText)
        result += figure("Net", netText)
        result += figure("Scanner CPU", scannerText)
        if let run = ksm.run, let batch = ksm[.pages_to_scan], let sleep = ksm[.sleep_millisecs] {
            result += figure("Settings", "run \(run), \(batch) pages per batch, \(sleep) ms between batches")
        }
        if let scopeLine { result += figure("Scope", scopeLine) }
        if let eventsLine { result += figure("Events", eventsLine) }
        if let exposureLine { result += figure("Promised", exposureLine) }
        return result
    }

    private var savedText: String {
        guard let saved = sample.ksm.savedBytes(pageSize: sample.pageSize) else { return "unknown" }
        let shared = sample.ksm.number(.pages_shared) ?? 0
        let sharing = sample.ksm.number(.pages_sharing) ?? 0
        guard sharing > 0 else { return Human.size(saved) }
        return "\(Human.size(saved)) (\(Human.count(sharing, "page")) found in \(shared))"
    }

    private var netText: String {
        guard let net = sample.ksm.netSavedBytes(pageSize: sample.pageSize) else { return "unknown" }
        return "\(Human.size(net)) after the kernel's bookkeeping"
    }

    private var scannerText: String {
        var parts: [String] = []
        if let permille = daemonReport?.scannerCPUPermille {
            parts.append("\(Human.cpuShare(permille: permille)) in the last interval")
        }
        if let used = daemonReport?.scannerCPUNanoseconds {
            parts.append("\(Human.cpuTime(nanoseconds: used)) since ksmd started")
        }
        if let scanner = sample.scanner {
            parts.append("\(Human.cpuTime(nanoseconds: scanner.cpuNanoseconds)) since boot")
        }
        return parts.isEmpty ? "unknown" : parts.joined(separator: ", ")
    }

    /// Which event sources are there, and why others are not.
    private var eventsLine: String? {
        guard let events = daemonReport?.events, !events.isEmpty else { return nil }
        let active = events.filter { $0.condition == .active }.map { source in
            source.name.rawValue + (source.detail.map { " (\($0))" } ?? "")
        }
        let absent = events.filter { $0.condition == .unavailable }.map { source in
            "no \(source.name.rawValue)" + (source.detail.map { ": \($0)" } ?? "")
        }
        let parts = [active.isEmpty ? "none" : active.joined(separator: ", ")] + absent
        return Human.plain(parts.joined(separator: "; "))
    }

    private func figure(_ title: String, _ text: String) -> String {
        TextLayout.wrap(text, first: TextLayout.pad(title, to: 13), indent: 13)
    }

    private var guestTable: String {
        let guests = guests
        if guests.isEmpty { return "No guests.\n" }
        var table = TextTable([
            .init("GUEST"), .init("PID", .right), .init("RSS", .right), .init("MERGED", .right),
            .init("SAVED", .right), .init("PROFIT", .right),
        ])
        for guest in guests {
            table.add([
                guest.name, String(guest.pid), Human.size(guest.rssBytes), size(guest.mergedBytes),
                size(guest.savedBytes), guest.profitBytes.map { Human.size($0) } ?? "?",
            ])
        }
        return table.text()
    }

    private func size(_ bytes: UInt64?) -> String {
        bytes.map { Human.size($0) } ?? "?"
    }

    private func list(_ title: String, _ lines: [String]) -> String {
        if lines.isEmpty { return "" }
        return lines.reduce("\n\(title):\n") { $0 + TextLayout.wrap(Human.plain($1), first: "- ", indent: 2) }
    }
}
