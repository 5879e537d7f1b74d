import KSMModel

extension NUMAReport {
    /// The report for people, within 80 columns.
    package var text: String {
        var result = scopeText + "\n" + memoryTable + "\n" + mergingTable
        result += "\n" + distanceTable + "\n" + guestTable
        result += list("Warnings", warnings)
        result += list("Could not be read", problems)
        if !problems.isEmpty, let remedy { result += TextLayout.wrap(remedy) }
        return result
    }

    // MARK: The scope and what follows from it

    private var scopeText: String {
        var result = figure("Scope", NUMASentences.scope(numa.scope, isActing: daemonPID != nil))
        if let reason = numa.scope?.reason { result += figure("Why", reason) }
        result += figure("Set", settingText)
        if setting != .auto, let auto { result += figure("Auto", autoText(auto)) }
        if let activation = numa.activation { result += figure("Pressure", activation.sentence) }
        if let exposure = numa.exposure { result += figure("Promised", NUMASentences.exposure(exposure)) }
        if let share = numa.remoteShare {
            result += figure(
                "Remote",
                "\(NUMASentences.percent(share)) of merged pages lie away from their guest's home"
            )
        }
        if let survey = numa.survey { result += figure("Looked", surveyText(survey)) }
        return result
    }

    private var settingText: String {
        guard let hand = numa.scope?.setByHand else { return "MergeAcrossNodes=\(setting.rawValue)" }
        let since = age(of: hand.sinceRealtimeSeconds).map { " \(Human.duration(seconds: $0)) ago" } ?? ""
        return "\(hand.setting.rawValue) by \(hand.by)\(since) with `ksmctl numa set`, until ksmd starts again"
    }

    private func autoText(_ auto: StateReport.NUMA.Scope) -> String {
        guard let wanted = auto.wanted else { return "would leave the scope as it is: \(auto.reason)" }
        return "would choose \(wanted.rawValue): \(auto.reason)"
    }

    private func surveyText(_ survey: StateReport.NUMA.SurveyNote) -> String {
        let age = age(of: survey.takenRealtimeSeconds).map { "\(Human.duration(seconds: $0)) ago" } ?? "once"
        let signal =
            switch survey.signal {
            case .kpageflags: "merged pages told by kpageflags"
            case .exclusive: "merged pages told by pagemap: those mapped more than once"
            case nil: "merged pages could not be told from others"
            }
        return "\(age) into the guests' page maps, with \(Human.cpuTime(nanoseconds: survey.cpuNanoseconds)) of CPU; "
            + signal
    }

    // MARK: Nodes

    private var memoryTable: String {
        var table = TextTable([
            .init("NODE"), .init("CPUS", .right), .init("TOTAL", .right), .init("FREE", .right),
            .init("AVAILABLE", .right), .init("ANONYMOUS", .right), .init("LIMIT", .right), .init("SHORT BY", .right),
        ])
        for node in numa.nodes {
            table.add([
                String(node.node), String(node.cpus), Human.size(node.totalBytes), Human.size(node.freeBytes),
                size(node.availableBytes), size(node.anonBytes), size(node.thresholdBytes),
                node.shortBytes > 0 ? Human.size(node.shortBytes) : "-",
            ])
        }
        return table.text()
    }

    private var mergingTable: String {
        var table = TextTable([
            .init("NODE"), .init("GUESTS", .right), .init("MERGED", .right), .init("PROMISED", .right),
            .init("WOULD BE SHORT BY", .right),
        ])
        for node in numa.nodes {
            table.add([
                String(node.node), String(guestsAtHome(on: node.node)), size(node.mergedBytes),
                size(node.promisedBytes), node.exposureShortBytes > 0 ? Human.size(node.exposureShortBytes) : "-",
            ])
        }
        return table.text()
    }

    private var distanceTable: String {
        let numbers = topology.nodes.map(\.number)
        guard topology.nodes.contains(where: { !$0.distances.isEmpty }) else {
            return "The kernel tells no distances.\n"
        }
        var table = TextTable([.init("DISTANCE")] + numbers.map { .init(String($0), .right) })
        for from in numbers {
            table.add([String(from)] + numbers.map { topology.distance(from: from, to: $0).map { String($0) } ?? "?" })
        }
        return table.text()
    }

    // MARK: Guests

    private var guestTable: String {
        if guests.isEmpty { return "No guests.\n" }
        var table = TextTable([
            .init("GUEST"), .init("PID", .right), .init("HOME", .right), .init("RSS", .right), .init("MERGED", .right),
            .init("REMOTE", .right), .init("NODES"),
        ])
        for guest in guests {
            table.add([
                guest.name, String(guest.pid), guest.home.map { String($0) } ?? "?", Human.size(guest.rssBytes),
                size(guest.mergedBytes), guest.remoteShare.map(NUMASentences.percent) ?? "?", partsText(guest.parts),
            ])
        }
        return table.text()
    }

    /// The three largest parts; more of them do not fit, and JSON has all.
    private func partsText(_ parts: [Guest.Part]) -> String {
        if parts.isEmpty { return "?" }
        let texts = parts.prefix(3).map { "\($0.node): \(NUMASentences.percent($0.share))" }
        return texts.joined(separator: ", ") + (parts.count > 3 ? ", …" : "")
    }

    // MARK: Pieces

    private func figure(_ title: String, _ text: String) -> String {
        TextLayout.wrap(Human.plain(text), first: TextLayout.pad(title, to: 13), indent: 13)
    }

    private func size(_ bytes: UInt64?) -> String { bytes.map { Human.size($0) } ?? "?" }

    private func list(_ title: String, _ lines: [String]) -> String {
        if lines.isEmpty { return "" }
        return lines.reduce("\n\(title):\n") { $0 + TextLayout.wrap(Human.plain($1), first: "- ", indent: 2) }
    }
}
