/// A text that is no point of time.
package struct TimePointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text, made printable and cut.
    package let text: String
    /// Where in the text something else was expected, in bytes.
    package let position: Int
    /// What was found there, made printable and cut; empty at the end.
    package let found: String
    /// What was expected there: "a minute from 0 to 59".
    package let expected: String

    /// One line.
    package var description: String {
        let place = position == 0 ? "" : found.isEmpty ? " at the end" : " at '\(found)'"
        return "'\(text)' is no point of time: expected \(expected)\(place)"
    }
}
