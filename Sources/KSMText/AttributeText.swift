package import KSMModel

extension AttributeValue {
    /// Parses the text of one file of `/sys/kernel/mm/ksm`.
    ///
    /// A number with an optional newline behind it; for a selection the word in brackets (`[none] scan-time`).
    /// Source: the `_show` functions of mm/ksm.c.
    package static func parse(_ text: Span<UInt8>, as format: Attribute.Format) throws(TextError) -> AttributeValue {
        let line = text.line(from: 0).line
        var position = 0
        let word = text.word(in: line, from: &position)
        let rest = text.word(in: line, from: &position)
        switch format {
        case .unsigned:
            guard rest.isEmpty, let value = text.unsigned(word) else {
                throw TextError(expected: "a decimal number", found: text)
            }
            return .unsigned(value)
        case .signed:
            guard rest.isEmpty, let value = text.signed(word) else {
                throw TextError(expected: "a decimal number", found: text)
            }
            return .signed(value)
        case .selection:
            return .word(try selection(text, line))
        }
    }

    private static func loneWord(_ text: Span<UInt8>, _ line: ByteRange) -> String? {
        var position = line.lowerBound
        let word = text.word(in: line, from: &position)
        for index in word where text[index] == UInt8(ascii: "[") || text[index] == UInt8(ascii: "]") { return nil }
        return text.string(word)
    }

    private static func selection(_ text: Span<UInt8>, _ line: ByteRange) throws(TextError) -> String {
        var position = line.lowerBound
        var words = 0
        while true {
            let word = text.word(in: line, from: &position)
            // A word alone is what was written to the file of a recorded machine; the kernel always prints brackets.
            if word.isEmpty, words == 1, let only = loneWord(text, line) { return only }
            words += 1
            if word.isEmpty { throw TextError(expected: "a word in brackets", found: text) }
            if word.count > 2, text[word.lowerBound] == UInt8(ascii: "["),
                text[word.upperBound - 1] == UInt8(ascii: "]")
            {
                return text.string(word.lowerBound + 1..<word.upperBound - 1)
            }
        }
    }
}
