/// One write that a policy asks for.
package struct Write: Equatable, Sendable {
    package var attribute: Attribute
    package var value: String

    package init(_ attribute: Attribute, _ value: String) {
        self.attribute = attribute
        self.value = value
    }

    package init(_ attribute: Attribute, _ value: some BinaryInteger & Sendable) {
        self.init(attribute, String(value))
    }
}

/// Why a policy decided as it did: a stable code, the sentence that an operator reads, and the values behind it.
package struct Reason: Equatable, Sendable {
    /// Stable, for machines, as `enough-memory`, `pressure` or `relief`.
    package var code: String
    /// One sentence with measured value and limit.
    package var sentence: String
    /// Journal fields without the `KSM_` in front: upper case and digits, value as text.
    package var fields: [Field]

    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: JournalField, _ value: some CustomStringConvertible) {
            self.init(name: name.rawValue, value.description)
        }

        init(name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(code: String, sentence: String, fields: [Field] = []) {
        self.code = code
        self.sentence = sentence
        self.fields = fields
    }
}

/// What one step of a policy wants.
package struct Decision: Equatable, Sendable {
    /// In the order in which they are to be applied.
    ///
    /// Classic asks at every tick, changed or not.
    package var writes: [Write]
    package var reason: Reason
    /// Lines in the words of ksmtuned's debug log, without date.
    package var legacyLog: [String]

    package init(writes: [Write], reason: Reason, legacyLog: [String] = []) {
        self.writes = writes
        self.reason = reason
        self.legacyLog = legacyLog
    }

    /// The value asked for `attribute`, if any.
    package func wanted(_ attribute: Attribute) -> String? {
        writes.last { $0.attribute == attribute }?.value
    }
}
