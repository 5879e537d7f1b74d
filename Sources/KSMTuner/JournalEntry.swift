package import KSMModel
package import KSMSystemd

/// One entry for the journal, as a value: the tuner says what is to be told, the daemon tells it.
package struct JournalEntry {
    package var priority: JournalWriter.Priority
    package var id: MessageID
    package var message: String
    package var fields: [Reason.Field]

    package init(
        _ priority: JournalWriter.Priority,
        _ id: MessageID,
        _ message: String,
        fields: [Reason.Field] = []
    ) {
        self.priority = priority
        self.id = id
        self.message = message
        self.fields = fields
    }

    package func write(to journal: JournalWriter) {
        journal.write(priority, message, id: id, fields: fields.map { ("KSM_\($0.name)", $0.value) })
    }

    /// Tells what a person's command has done: to the journal, where there is one; standard error is the command's own.
    package static func tell(_ entries: [JournalEntry]) {
        if entries.isEmpty { return }
        let journal = JournalWriter.forCommand()
        for entry in entries { entry.write(to: journal) }
    }
}

extension MessageID {
    /// Whether entries of this kind tell of something that was changed.
    var isDecision: Bool {
        switch self {
        case .decision, .scanningStarted, .scanningStopped, .scopeChanged, .unmerged, .policyChanged: true
        case .held, .released, .paused, .resumed, .advisorTakenOver, .settingsRestored: true
        default: false
        }
    }
}
