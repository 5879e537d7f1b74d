/// One warning about a configuration file: where, what, and what happens instead.
package struct Diagnostic: Equatable, Sendable, CustomStringConvertible {
    package var file: String
    /// Counted from 1; `nil` where the whole file is meant.
    package var line: Int?
    /// The key as the file spells it, where there is one.
    package var key: String?
    /// What is wrong, and what ksmd does instead.
    package var message: String

    package init(file: String, line: Int? = nil, key: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.key = key
        self.message = message
    }

    /// `FILE:LINE: KEY: MESSAGE`, on one line and without control characters.
    package var description: String {
        var text = printable(file, limit: .max)
        if let line { text += ":\(line)" }
        if let key { text += ": \(printable(key))" }
        return text + ": " + message
    }
}

/// The warnings of one load: the first hundred, and the number of those that followed.
struct Diagnostics {
    /// More than this helps nobody: a file with a hundred faults is not a configuration file.
    static let limit = 100

    /// A warning whose end, the value that is used instead, is known only when all files are read.
    struct Pending {
        var diagnostic: Diagnostic
        /// The key whose value the message ends with.
        var fallback: KeyText?
    }

    private(set) var pending: [Pending] = []
    private var dropped = 0
    private var lastFile = ""

    /// Keeps the warning; after the first hundred it is only counted and its text never built.
    mutating func add(file: String, _ diagnostic: @autoclosure () -> Diagnostic, fallback: KeyText? = nil) {
        guard pending.count < Diagnostics.limit else {
            dropped += 1
            lastFile = file
            return
        }
        pending.append(Pending(diagnostic: diagnostic(), fallback: fallback))
    }

    /// All warnings with their ends; the last one counts the rest.
    func finished(_ using: (KeyText) -> String) -> [Diagnostic] {
        var list = pending.map { pending in
            var diagnostic = pending.diagnostic
            if let fallback = pending.fallback { diagnostic.message += "; using " + using(fallback) }
            return diagnostic
        }
        if dropped > 0 {
            list.append(Diagnostic(file: lastFile, message: "\(dropped) more warnings are not shown"))
        }
        return list
    }
}

/// `text` on one line for a message: control characters as escapes, cut after `limit` characters.
func printable(_ text: String, limit: Int = 60) -> String {
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        guard count < limit else { return result + "…" }
        if isHarmless(scalar) {
            result.unicodeScalars.append(scalar)
        } else {
            result += scalar == "\n" ? "\\n" : "\\u{" + String(scalar.value, radix: 16) + "}"
        }
    }
    return result
}

/// `text` in double quotes, safe to print.
func quoted(_ text: String) -> String {
    "\"" + printable(text) + "\""
}

/// No control character (C0, DEL, C1) and none that breaks lines or turns the direction of text (U+2028 to U+202E,
/// U+2066 to U+2069).
private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
}
