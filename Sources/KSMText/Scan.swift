/// Bytes of a kernel file that are not what they should be.
package struct TextError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was expected: "a decimal number", "a word in brackets".
    package var expected: String
    /// The first bytes of what was found instead, made printable.
    package var found: String

    package init(expected: String, found: String) {
        self.expected = expected
        self.found = found
    }

    init(expected: String, found text: Span<UInt8>) {
        let end = text.count > 0 && text[text.count - 1] == 0x0a ? text.count - 1 : text.count
        self.init(expected: expected, found: text.extracting(0..<end).printable(limit: 40))
    }

    package var description: String {
        found.isEmpty ? "expected \(expected), found nothing" : "expected \(expected), found \"\(found)\""
    }
}

/// A range of byte positions within a text; spans themselves cannot be stored.
typealias ByteRange = Range<Int>

extension Span<UInt8> {
    /// Printable form for messages: at most `limit` bytes, everything but printable ASCII as `?`.
    package func printable(limit: Int) -> String {
        var result = ""
        for index in 0..<Swift.min(count, limit) {
            let byte = self[index]
            result.unicodeScalars.append(byte >= 0x20 && byte < 0x7f ? Unicode.Scalar(byte) : "?")
        }
        if count > limit { result += "…" }
        return result
    }

    /// Whether the bytes in `range` are exactly those of `word`.
    func equals(_ word: StaticString, in range: ByteRange) -> Bool {
        guard range.count == word.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= count else {
            return false
        }
        return word.withUTF8Buffer { bytes in
            for offset in 0..<range.count where unsafe bytes[offset] != self[range.lowerBound + offset] {
                return false
            }
            return true
        }
    }

    /// The bytes of `range` as text; what is not UTF-8 is replaced.
    func string(_ range: ByteRange) -> String {
        // A short string is made without allocating that way, and process names are read at every tick.
        if let text = try? UTF8Span(validating: extracting(range)) { return String(copying: text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in range { bytes.append(self[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The range from `start` to before the next newline or the end.
    ///
    /// Call again with `next` for the line after it.
    func line(from start: Int) -> (line: ByteRange, next: Int) {
        var end = start
        while end < count, self[end] != 0x0a { end += 1 }
        return (start..<end, end + 1)
    }

    /// Space, tab, line break and carriage return; a NUL is no white space.
    private func isSpace(_ position: Int) -> Bool {
        self[position] == 0x20 || (0x09...0x0d).contains(self[position])
    }

    /// The next word in `range` from `position` on, which moves behind it; empty at the end.
    func word(in range: ByteRange, from position: inout Int) -> ByteRange {
        while position < range.upperBound, isSpace(position) { position += 1 }
        let start = position
        while position < range.upperBound, !isSpace(position) { position += 1 }
        return start..<position
    }

    /// A decimal number without sign that fills `range`; `nil` for anything else, overflow included.
    func unsigned(_ range: ByteRange) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = self[index] &- 0x30
            guard digit <= 9 else { return nil }
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = shifted.addingReportingOverflow(UInt64(digit))
            if overflowed || carried { return nil }
            value = sum
        }
        return value
    }

    /// A decimal number that may start with `-`.
    func signed(_ range: ByteRange) -> Int64? {
        guard let first = range.first, self[first] == 0x2d else {
            return unsigned(range).flatMap { Int64(exactly: $0) }
        }
        guard let magnitude = unsigned(range.lowerBound + 1..<range.upperBound) else { return nil }
        if magnitude == Int64.min.magnitude { return .min }
        return Int64(exactly: magnitude).map { -$0 }
    }
}
