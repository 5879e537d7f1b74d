import KSMKernel
import KSMModel
import KSMSystemd

/// One journal entry per decision that changed something: gathers what became of its writes, slow ones included.
package struct DecisionJournal {
    private var open: Decision?
    private var changes: [Applier.Applied] = []
    private var underWay = 0
    /// Failures that have been told, by attribute: told again only when they change.
    private var failures: [Attribute: Int32] = [:]
    /// The last failure that still stands, as a sentence.
    package private(set) var failure: String?

    package init() {}

    /// Takes in what became of a decision's writes at once.
    ///
    /// - Returns: what is to be told now.
    mutating func take(_ applied: [Applier.Applied], _ decision: Decision, _ teller: Teller) -> [JournalEntry] {
        var entries = close()
        open = decision
        // What is no longer asked for is no longer in trouble.
        for attribute in failures.keys where !applied.contains(where: { $0.write.attribute == attribute }) {
            recovered(attribute)
        }
        for one in applied { entries += note(one) }
        return underWay == 0 ? entries + close() : entries
    }

    /// Takes in a slow write that has ended.
    mutating func take(late applied: Applier.Applied, _ teller: Teller) -> [JournalEntry] {
        underWay = max(0, underWay - 1)
        let entries = note(applied)
        return underWay == 0 ? entries + close() : entries
    }

    private mutating func note(_ applied: Applier.Applied) -> [JournalEntry] {
        let attribute = applied.write.attribute
        switch applied.outcome {
        case .written:
            changes.append(applied)
            recovered(attribute)
        case .unchanged: recovered(attribute)
        case .underWay: underWay += 1
        case .failed(let error):
            let sentence = "\(error), keeping \(applied.before ?? "its value") instead of \(applied.write.value)"
            failure = sentence
            if failures.updateValue(error.errno, forKey: attribute) == error.errno { return [] }
            let fields = [Reason.Field(.attribute, attribute.name), Reason.Field(.value, applied.write.value)]
            return [JournalEntry(.error, .writeFailed, sentence, fields: fields)]
        case .absent, .left, .notTried: recovered(attribute)
        }
        return []
    }

    private mutating func recovered(_ attribute: Attribute) {
        failures[attribute] = nil
        if failures.isEmpty { failure = nil }
    }

    /// The entry of the decision whose writes are all done, if they changed something.
    private mutating func close() -> [JournalEntry] {
        defer {
            open = nil
            changes = []
            underWay = 0
        }
        guard let decision = open, !changes.isEmpty else { return [] }
        let list = changes.map { "\($0.write.attribute.name) \($0.before ?? "?") → \($0.write.value)" }
        let (id, head): (MessageID, String) =
            switch changes.last(where: { $0.write.attribute == .run })?.write.value {
            case "1": (.scanningStarted, "Scanning started")
            case "0": (.scanningStopped, "Scanning stopped")
            default: (.decision, "Settings changed")
            }
        let fields: [Reason.Field] = changes.flatMap { change in
            [.set(change.write.attribute, change.write.value), .was(change.write.attribute, change.before ?? "")]
        }
        return [
            JournalEntry(
                .info,
                id,
                "\(head) (\(list.joined(separator: ", "))): \(decision.reason.sentence)",
                fields: [Reason.Field(.reason, decision.reason.code)] + fields + decision.reason.fields
            )
        ]
    }
}
