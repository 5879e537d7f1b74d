/// A second reading of kernel text, as simple as can be: it splits, and leaves numbers to the standard library.
enum Plain {
    /// White space of C; a NUL is none.
    static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d].contains(byte) }

    /// The words of every line.
    static func lines(_ text: [UInt8]) -> [[ArraySlice<UInt8>]] {
        text.split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
            line.split(whereSeparator: isSpace)
        }
    }

    /// Digits and nothing else.
    static func unsigned(_ word: ArraySlice<UInt8>?) -> UInt64? {
        guard let word, word.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(String(decoding: word, as: UTF8.self))
    }

    /// Digits, with a minus or without.
    static func signed(_ word: ArraySlice<UInt8>?) -> Int64? {
        guard let word, word.first != UInt8(ascii: "+") else { return nil }
        return Int64(String(decoding: word, as: UTF8.self))
    }

    /// The word behind `key` on the last line where `key` is word number `column`; empty when nothing is behind it.
    static func last(_ key: String, in lines: [[ArraySlice<UInt8>]], column: Int = 0) -> ArraySlice<UInt8>? {
        let line = lines.last { $0.count > column && $0[column].elementsEqual(key.utf8) }
        guard let line else { return nil }
        return line.count > column + 1 ? line[column + 1] : []
    }
}
