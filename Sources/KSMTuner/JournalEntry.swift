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
}
