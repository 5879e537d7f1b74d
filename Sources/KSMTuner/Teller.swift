import KSMModel
package import KSMReport
import KSMSystemd

/// The sentences of the daemon.
///
/// A class of its own, so that wording and mechanism do not mix.
package struct Teller {
    private var advisorTold = false

    package init() {}

    /// Whether the advisor is to be told: only the first time.
    mutating func tellsAdvisor() -> Bool {
        defer { advisorTold = true }
        return !advisorTold
    }

    func advisor(_ handling: AdvisorHandling) -> JournalEntry {
        let message =
            switch handling {
            case .take: "The kernel's advisor was on; it is set to none and comes back when ksmd stops"
            case .keep:
                "The kernel's advisor is on and is kept: it sets pages_to_scan, ksmd only starts and stops scanning"
            }
        return JournalEntry(.notice, .advisorTakenOver, message)
    }

    func foreignWrite(_ write: Applier.ForeignWrite, _ handling: ForeignWrites) -> JournalEntry {
        let what = "\(write.attribute.name) was \(write.expected) and somebody else has set it to \(write.found)"
        let consequence =
            switch (handling, write.wasOurs) {
            case (.respect, true):
                "ksmd leaves it alone until it is reloaded or told ksmctl start (ForeignWrites=respect)"
            case (.retake, true): "ksmd takes it back (ForeignWrites=retake)"
            case (_, false): "ksmd had not set it and leaves it alone"
            }
        return JournalEntry(
            .notice,
            .foreignWrite,
            "\(what); \(consequence)",
            fields: [
                Reason.Field(.attribute, write.attribute.name), Reason.Field(.valueBefore, write.expected),
                Reason.Field(.value, write.found),
            ]
        )
    }

    func held(_ hold: StateReport.Hold) -> JournalEntry {
        let reason = heldReason(hold)
        let fields = [Reason.Field(.reason, reason.code)] + reason.fields
        switch hold.kind {
        case .stop:
            return JournalEntry(.notice, .held, "KSM is held stopped: \(reason.sentence)", fields: fields)
        case .pause:
            return JournalEntry(.notice, .paused, "KSM is paused: \(reason.sentence)", fields: fields)
        }
    }

    /// - Parameters:
    ///   - hold: what has ended.
    ///   - next: what holds now.
    func released(_ hold: StateReport.Hold, next: StateReport.Hold?) -> JournalEntry {
        let consequence = next == nil ? "; ksmd decides again" : ""
        switch hold.kind {
        case .stop: return JournalEntry(.notice, .released, "KSM is no longer held\(consequence)")
        case .pause: return JournalEntry(.notice, .resumed, "KSM is no longer paused\(consequence)")
        }
    }

    func heldReason(_ hold: StateReport.Hold) -> Reason {
        var fields = [Reason.Field(.by, hold.by)]
        if hold.kind == .pause {
            fields.append(Reason.Field(.until, (hold.untilRealtimeSeconds ?? 0) * 1_000_000))
            fields.append(Reason.Field(.why, hold.reason ?? ""))
        }
        return Reason(code: hold.kind == .stop ? "held" : "paused", sentence: hold.sentence, fields: fields)
    }

    let unmergingSentence = "somebody un-shares memory; ksmd writes nothing until that has ended"

    func unmerging(_ begins: Bool) -> JournalEntry {
        JournalEntry(
            .notice,
            begins ? .unmergingBegan : .unmergingEnded,
            begins
                ? "Somebody un-shares memory; ksmd writes nothing until that has ended"
                : "The un-sharing has ended; ksmd decides again"
        )
    }

    let stoppedWhileUnmerging =
        "Somebody still un-shares memory, so KSM's settings are not put back; ksmd --restore does it later"

    var interrupted: JournalEntry {
        JournalEntry(
            .warning,
            .unmergeFailed,
            "An un-sharing was cut short (its process was killed): the settings that it had changed are put back"
        )
    }

    func interrupted(_ error: SavedStateError) -> JournalEntry {
        JournalEntry(
            .warning,
            .unmergeFailed,
            "An un-sharing was cut short, and what it had found cannot be put back: \(error); the file stays as it is"
        )
    }

    func foreignSentence(_ value: String, _ reason: Reason) -> String {
        "somebody else has set run to \(value), which is respected; ksmd would act because \(reason.sentence)"
    }

    func waitingSentence(_ write: Write, _ nanoseconds: UInt64) -> String {
        "the kernel has not taken \(write.attribute.name)=\(write.value) for "
            + "\(Human.duration(seconds: nanoseconds / 1_000_000_000)): a scanner's batch or another writer holds its lock"
    }

    /// The one line that `systemctl status` shows.
    package func status(_ report: StateReport) -> String {
        let head =
            switch report.state {
            case .starting: "Starting"
            case .scanning: "Scanning"
            case .stopped: "Not scanning"
            case .held: "Held"
            case .paused: "Paused"
            case .foreign: "Somebody else has the say"
            case .unmerging: "Un-sharing"
            case .waiting: "Waiting for the kernel"
            case .failed: "Cannot write"
            }
        var parts = [head]
        if let saved = report.savedBytes { parts.append("\(Human.size(saved)) saved") }
        if let permille = report.scannerCPUPermille { parts.append("scanner \(Human.cpuShare(permille: permille))") }
        if !report.guests.isEmpty { parts.append(Human.count(report.guests.count, "guest")) }
        return parts.joined(separator: ", ") + ": " + report.reason
    }
}
