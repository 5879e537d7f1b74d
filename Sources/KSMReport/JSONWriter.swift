/// Writes JSON text (RFC 8259) into a byte buffer that can be used again and again.
///
/// A stream, not a tree: a report about 2,000 guests, written at every tick, must not allocate per guest. Keys keep
/// the order in which they are written. The writer puts commas and line breaks; that the nesting is right follows from
/// the closures that `object` and `array` take.
package struct JSONWriter: Sendable {
    /// How the text is laid out.
    package enum Style: Sendable {
        /// One line without spaces, for logs and machines.
        case compact
        /// One member per line, two spaces per level, for people.
        case pretty
    }

    /// The UTF-8 text written so far.
    package private(set) var bytes: [UInt8] = []

    private let style: Style
    private var depth = 0
    /// Whether the container that is open has no member yet.
    private var isFirst = true

    /// An empty text.
    package init(style: Style = .compact) {
        self.style = style
    }

    /// The text written so far.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets the text and keeps its memory.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        depth = 0
        isFirst = true
    }

    /// An object; `body` writes its members with `member`, `object(key)` and `array(key)`.
    /// - Parameter key: the name under which the enclosing object has it; `nil` at the top and inside arrays.
    package mutating func object(_ key: String? = nil, _ body: (inout JSONWriter) -> Void) {
        container(key, open: "{", close: "}", body)
    }

    /// An array; `body` writes its elements with `element`, `object` and `array` without key.
    package mutating func array(_ key: String? = nil, _ body: (inout JSONWriter) -> Void) {
        container(key, open: "[", close: "]", body)
    }

    /// A member of the open object: text, or null.
    package mutating func member(_ key: String, _ value: String?) {
        begin(key)
        scalar(value)
    }

    /// A member of the open object: a whole number, or null.
    package mutating func member(_ key: String, _ value: (some BinaryInteger)?) {
        begin(key)
        guard let value else { return raw("null") }
        raw(String(value))
    }

    /// A member of the open object: true, false or null.
    package mutating func member(_ key: String, _ value: Bool?) {
        begin(key)
        raw(value.map { $0 ? "true" : "false" } ?? "null")
    }

    /// A member of the open object: a number with four decimals at most, or null; what is not finite is null.
    package mutating func member(_ key: String, decimal value: Double?) {
        begin(key)
        guard let value, value.isFinite else { return raw("null") }
        // The shortest text that gives the number back is JSON, with an exponent too.
        raw("\(abs(value) < 1e9 ? (value * 10_000).rounded() / 10_000 : value)")
    }

    /// A member of the open object: `nanoseconds` as a decimal number of seconds, rounded down to milliseconds.
    package mutating func member(_ key: String, seconds nanoseconds: UInt64?) {
        begin(key)
        guard let nanoseconds else { return raw("null") }
        let thousandths = nanoseconds / 1_000_000 % 1000
        raw(String(nanoseconds / 1_000_000_000))
        raw(thousandths < 10 ? ".00" : thousandths < 100 ? ".0" : ".")
        raw(String(thousandths))
    }

    /// An array of texts as a member of the open object.
    package mutating func member(_ key: String, _ values: [String]) {
        array(key) { json in
            for value in values { json.element(value) }
        }
    }

    /// An element of the open array, or the whole text: text, or null.
    package mutating func element(_ value: String?) {
        begin(nil)
        scalar(value)
    }

    /// An element of the open array: a whole number.
    package mutating func element(_ value: some BinaryInteger) {
        begin(nil)
        raw(String(value))
    }

    private mutating func container(
        _ key: String?,
        open: Unicode.Scalar,
        close: Unicode.Scalar,
        _ body: (inout JSONWriter) -> Void
    ) {
        begin(key)
        bytes.append(UInt8(truncatingIfNeeded: open.value))
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if !isFirst { lineBreak() }
        bytes.append(UInt8(truncatingIfNeeded: close.value))
        isFirst = false
    }

    /// What stands between the member before and this one, then this one's key.
    private mutating func begin(_ key: String?) {
        if depth > 0 {
            if !isFirst { raw(",") }
            lineBreak()
        }
        isFirst = false
        guard let key else { return }
        string(key)
        raw(style == .pretty ? ": " : ":")
    }

    private mutating func lineBreak() {
        guard style == .pretty else { return }
        raw("\n")
        for _ in 0..<depth { raw("  ") }
    }

    private mutating func scalar(_ value: String?) {
        if let value { string(value) } else { raw("null") }
    }

    private mutating func raw(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// A quoted text.
    ///
    /// All that JSON forbids is escaped, and DEL and the C1 controls too, because terminals obey them.
    private mutating func string(_ value: String) {
        raw("\"")
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": raw("\\\"")
            case "\\": raw("\\\\")
            case "\n": raw("\\n")
            case "\r": raw("\\r")
            case "\t": raw("\\t")
            default:
                if scalar.isControl { escape(scalar) } else { bytes.append(contentsOf: scalar.utf8) }
            }
        }
        raw("\"")
    }

    /// `\u00XX`: the controls are all below U+0100.
    private mutating func escape(_ scalar: Unicode.Scalar) {
        raw("\\u00")
        raw(scalar.value < 16 ? "0" : "")
        raw(String(scalar.value, radix: 16))
    }
}

extension Unicode.Scalar {
    /// C0 controls, DEL and the C1 controls.
    var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}
