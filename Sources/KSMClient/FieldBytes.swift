import KSMLog

/// One field of an entry as it lies in the journal: `NAME=value`, any bytes.
struct FieldBytes {
    /// Valid until the next call into the journal.
    private let bytes: UnsafeRawBufferPointer
    private let nameLength: Int

    /// The most values of `KSM_` fields of one entry.
    ///
    /// As many fields as the journal itself takes in one entry (ENTRY_FIELD_COUNT_MAX of systemd); ksmd's have some
    /// tens.
    static let valueCountLimit = 1024

    /// `nil` for what has no name.
    init?(_ data: UnsafeRawPointer?, _ count: Int) {
        bytes = UnsafeRawBufferPointer(start: data, count: count)
        // The journal's own limit is 64 (journal_field_valid of systemd).
        guard let end = bytes.prefix(65).firstIndex(of: UInt8(ascii: "=")), end > 0 else { return nil }
        nameLength = end
    }

    /// The value as text; what is no UTF-8 is replaced, and what is too long is cut.
    var value: String {
        let value = bytes[(nameLength + 1)...]
        guard bytes.count >= JournalReader.valueLimit else { return String(decoding: value, as: UTF8.self) }
        return String(decoding: value.prefix(JournalReader.valueLimit - 66), as: UTF8.self) + "…"
    }

    private func hasName(_ name: StaticString) -> Bool {
        nameLength == name.utf8CodeUnitCount
            && name.withUTF8Buffer { $0.elementsEqual(bytes[..<nameLength]) }
    }

    /// Whether the name begins with `KSM_`.
    var isOurs: Bool {
        nameLength > 4 && ("KSM_" as StaticString).withUTF8Buffer { $0.elementsEqual(bytes[..<4]) }
    }

    /// Keeps the field where the entry has a place for it; of those that are not ours the first one of a name.
    func put(into entry: inout LogEntry) {
        if isOurs {
            add(to: &entry.fields)
        } else if hasName("MESSAGE") {
            if entry.message == nil { entry.message = value }
        } else if hasName("MESSAGE_ID") {
            if entry.messageID == nil { entry.messageID = value }
        } else if hasName("_HOSTNAME") {
            if entry.host == nil { entry.host = value }
        } else if hasName("PRIORITY"), entry.priority == nil {
            entry.priority = UInt8(value).flatMap { $0 < 8 ? $0 : nil }
        }
    }

    /// Beside the values of the same name.
    private func add(to fields: inout [LogEntry.Field]) {
        guard fields.reduce(0, { $0 + $1.values.count }) < FieldBytes.valueCountLimit else { return }
        let name = String(decoding: bytes[..<nameLength], as: UTF8.self)
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values.append(value)
        } else {
            fields.append(.init(name, value))
        }
    }
}
