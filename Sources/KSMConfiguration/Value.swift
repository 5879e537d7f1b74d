/// The notations of values.
///
/// Each function reads one whole value or says why it cannot.
enum Value {
    /// A decimal number with optional sign; leading zeros mean nothing.
    /// - Parameter written: what a warning quotes, where `text` is only a part of the value.
    static func wholeNumber(
        _ text: String,
        in range: ClosedRange<Int64>,
        written: String? = nil
    ) throws(ValueError) -> Int64 {
        var digits = trimmed(Array(text.utf8)[...])
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else {
            throw ValueError(problem: "\(quoted(written ?? text)) is not a whole number")
        }
        guard let value = signed(digits, isNegative: isNegative), range.contains(value) else {
            throw outside(written ?? text, String(range.lowerBound), String(range.upperBound))
        }
        return value
    }

    /// One word of a fixed list, spelled exactly.
    static func word<Word: RawRepresentable<String> & CaseIterable>(_ text: String) throws(ValueError) -> Word {
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue)
        let list = words.count == 1 ? words.joined() : "one of " + words.joined(separator: ", ")
        throw ValueError(problem: "\(quoted(text)) is not \(list)")
    }

    /// `yes`, `no` and the other words that systemd takes (parse_boolean of src/basic/parse-util.c).
    static func boolean(_ text: String) throws(ValueError) -> Bool {
        switch text.lowercased() {
        case "1", "yes", "y", "true", "t", "on": return true
        case "0", "no", "n", "false", "f", "off": return false
        default: throw ValueError(problem: "\(quoted(text)) is neither yes nor no")
        }
    }

    /// A percentage: a whole number, with or without `%`, which may stand apart from it.
    static func percent(_ text: String, in range: ClosedRange<Int64>) throws(ValueError) -> Int64 {
        try wholeNumber(text.hasSuffix("%") ? String(text.dropLast()) : text, in: range, written: text)
    }

    /// A size in bytes, in the notation of systemd: a number with or without one of K, M, G, T, P (steps of 1024).
    static func size(_ text: String) throws(ValueError) -> UInt64 {
        var cursor = Cursor(text)
        cursor.skipBlanks()
        guard let number = cursor.decimal() else { throw ValueError(problem: "\(quoted(text)) is not a size") }
        cursor.skipBlanks()
        let suffix = cursor.letters()
        cursor.skipBlanks()
        guard cursor.isAtEnd, let unit = sizeUnits[suffix] else {
            throw ValueError(problem: "\(quoted(text)) is not a size: a number with or without K, M, G or T is")
        }
        guard let bytes = number.scaled(by: unit) else { throw ValueError(problem: "\(quoted(text)) is too large") }
        return bytes
    }

    private static let sizeUnits: [String: UInt64] = [
        "": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50,
    ]

    /// An absolute path, of at most 4095 bytes (PATH_MAX of linux/limits.h, which counts the NUL).
    static func absolutePath(_ text: String) throws(ValueError) -> String {
        guard text.hasPrefix("/") else { throw ValueError(problem: "\(quoted(text)) is not an absolute path") }
        guard text.utf8.count < 4096 else { throw ValueError(problem: "\(quoted(text)) is too long for a path") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 }) else {
            throw ValueError(problem: "\(quoted(text)) has a control character in it")
        }
        return text
    }

    /// The number of `KSM_MAX_KERNEL_PAGES`, by the rules of the old ksmctl, which used strtol(3) with base 0: `0x10` is
    /// 16, `010` is 8, 0 no limit; a number from 2^63 − 1 on is as bad as a word.
    static func kernelPages(_ text: String) throws(ValueError) -> UInt64 {
        var digits = trimmed(Array(text.utf8)[...])
        if digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        var radix: UInt64 = 10
        if digits.first == UInt8(ascii: "0"), let second = digits.dropFirst().first {
            let isHexadecimal = second | 0x20 == UInt8(ascii: "x")
            radix = isHexadecimal ? 16 : 8
            digits = digits.dropFirst(isHexadecimal ? 2 : 1)
        }
        guard !digits.isEmpty, let pages = unsigned(digits, radix: radix), pages < UInt64(Int64.max) else {
            throw ValueError(problem: "\(quoted(text)) is not a number of pages")
        }
        return pages
    }

    /// The words of a list, separated by blanks.
    static func list(_ text: String) -> [String] {
        text.utf8.split(whereSeparator: { isBlank($0) }).map { String(decoding: $0, as: UTF8.self) }
    }

    static func outside(_ text: String, _ lowest: String, _ highest: String) -> ValueError {
        ValueError(problem: "\(quoted(text)) is not between \(lowest) and \(highest)")
    }

    private static func signed(_ digits: ArraySlice<UInt8>, isNegative: Bool) -> Int64? {
        guard let magnitude = unsigned(digits) else { return nil }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude == Int64.min.magnitude ? Int64.min : Int64(exactly: magnitude).map { -$0 }
    }
}
