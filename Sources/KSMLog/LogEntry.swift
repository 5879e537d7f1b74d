/// One entry of the journal, as far as ksmd's entries go.
package struct LogEntry: Equatable, Sendable {
    /// A field whose name begins with `KSM_`.
    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
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
    /// In the order of the journal.
    ///
    /// Of fields with the same name the first one is here.
    package var fields: [Field] = []

    package init(realtimeMicroseconds: UInt64) {
        self.realtimeMicroseconds = realtimeMicroseconds
    }
}
