/// One entry of the journal, as far as ksmd's entries go.
package struct LogEntry: Equatable, Sendable {
    /// A field whose name begins with `KSM_`.
    package struct Field: Equatable, Sendable {
        package var name: String
        /// At least one; in the order of the journal.
        package var values: [String]

        package init(_ name: String, _ values: String...) {
            self.name = name
            self.values = values
        }
    }

    /// When the journal got it, in microseconds since 1970.
    package var realtimeMicroseconds: UInt64
    package var host: String?
    /// As in the entry: 32 hexadecimal digits.
    package var messageID: String?
    /// The name of that id; `nil` for one that this version does not know.
    package var kind: String?
    /// 0 (emergency) to 7 (debug).
    package var priority: UInt8?
    package var message: String?
    /// In the order of the journal, one for each name.
    package var fields: [Field] = []

    package init(realtimeMicroseconds: UInt64) {
        self.realtimeMicroseconds = realtimeMicroseconds
    }
}
