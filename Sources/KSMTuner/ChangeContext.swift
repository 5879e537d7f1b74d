import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd

/// What every journal entry of the daemon carries: the state before and after, savings, the scanner's CPU time, memory
/// of each node, what caused it.
struct ChangeContext {
    /// The state that the last entry told, and since when it stands (CLOCK_MONOTONIC).
    private var told: (state: StateReport.State, since: UInt64)?

    /// Names of guests in one entry at most.
    ///
    /// A hundred guests that come at once are a number.
    static let longestList = 16

    /// Completes entries that are about to be written.
    mutating func complete(
        _ entries: [JournalEntry],
        _ sample: Sample,
        _ account: ScannerAccount,
        state: StateReport.State,
        trigger: Trigger,
        guests: GuestChanges
    ) -> [JournalEntry] {
        if entries.isEmpty { return [] }
        let now = Clock.monotonicNanoseconds()
        let before = told ?? (state, now)
        let seconds = (now &- before.since) / 1_000_000_000
        let fields =
            [
                Reason.Field(.trigger, trigger.rawValue), Reason.Field(.stateBefore, before.state.rawValue),
                Reason.Field(.state, state.rawValue), Reason.Field(.stateSeconds, seconds),
            ] + ChangeContext.figures(sample, account) + ChangeContext.names(guests)
        told = before.state == state ? before : (state, now)
        return entries.map { entry in
            var entry = entry
            // What the entry says of itself, such as a summary's CPU time, stays the only value.
            var own = Set(entry.fields.map(\.name))
            // These are about no tick, and the last one's cause is not theirs.
            if entry.id == .summary || entry.id == .eventSource {
                own.formUnion([JournalField.trigger.rawValue, JournalField.guest.rawValue])
            }
            entry.fields += fields.filter { !own.contains($0.name) }
            if let extra = ChangeContext.remark(entry.id, before.state, state, seconds, guests) {
                entry.message += "; \(extra)"
            }
            return entry
        }
    }

    /// How long it scanned or stood, and who came.
    private static func remark(
        _ id: MessageID,
        _ before: StateReport.State,
        _ after: StateReport.State,
        _ seconds: UInt64,
        _ guests: GuestChanges
    ) -> String? {
        guard id == .scanningStarted || id == .scanningStopped || id == .decision else { return nil }
        var parts: [String] = []
        let time = Human.duration(seconds: seconds)
        switch before {
        case after: break
        case .scanning: parts.append("it scanned for \(time)")
        case .stopped, .held, .paused: parts.append("it stood for \(time)")
        default: break
        }
        if let sentence = guests.sentence { parts.append(sentence) }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// Savings, CPU time and memory, as far as they are known.
    static func figures(_ sample: Sample, _ account: ScannerAccount) -> [Reason.Field] {
        var fields = [Reason.Field(.guests, sample.guests.count)]
        if let saved = sample.ksm.savedBytes(pageSize: sample.pageSize) {
            fields.append(Reason.Field(.savedBytes, saved))
        }
        if let net = sample.ksm.netSavedBytes(pageSize: sample.pageSize) {
            fields.append(Reason.Field(.netSavedBytes, net))
        }
        if let cpu = account.sinceStartNanoseconds { fields.append(Reason.Field(.scannerCPUMicroseconds, cpu / 1000)) }
        if let permille = account.permille { fields.append(Reason.Field(.scannerCPUPermille, permille)) }
        return fields + nodes(sample)
    }

    private static func nodes(_ sample: Sample) -> [Reason.Field] {
        sample.nodes.flatMap { node in
            [.node(node.node, .totalKiB, node.totalKiB), .node(node.node, .freeKiB, node.freeKiB)]
                + (node.availableKiB.map { [.node(node.node, .availableKiB, $0)] } ?? [])
        }
    }

    private static func names(_ guests: GuestChanges) -> [Reason.Field] {
        (guests.came + guests.went).prefix(longestList).map { Reason.Field(.guest, $0) }
    }
}
