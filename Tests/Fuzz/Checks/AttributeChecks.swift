import KSMModel
import KSMText

/// Files of `/sys/kernel/mm/ksm`.
enum AttributeChecks {
    static func unsigned(_ input: [UInt8]) throws(Violation) {
        let words = Plain.lines(input)[0]
        let wanted = words.count == 1 ? Plain.unsigned(words[0]) : nil
        let value = try? AttributeValue.parse(input.span, as: .unsigned)
        try same(value, wanted.map { .unsigned($0) }, "a number")
        try again(value, as: .unsigned)
    }

    static func signed(_ input: [UInt8]) throws(Violation) {
        let words = Plain.lines(input)[0]
        let wanted = words.count == 1 ? Plain.signed(words[0]) : nil
        let value = try? AttributeValue.parse(input.span, as: .signed)
        try same(value, wanted.map { .signed($0) }, "a number with sign")
        try again(value, as: .signed)
    }

    static func selection(_ input: [UInt8]) throws(Violation) {
        let words = Plain.lines(input)[0]
        let inBrackets = words.first { word in
            word.count > 2 && word.first == UInt8(ascii: "[") && word.last == UInt8(ascii: "]")
        }
        // The file of a recorded machine, once written, has one word and no brackets.
        let alone = words.first.flatMap { $0.contains { "[]".utf8.contains($0) } || words.count > 1 ? nil : $0 }
        let value = try? AttributeValue.parse(input.span, as: .selection)
        let word = (inBrackets?.dropFirst().dropLast() ?? alone).map { String(decoding: $0, as: UTF8.self) }
        try same(value, word.map { .word($0) }, "a word in brackets")
        if let word { try again(value, as: .selection, "[\(word)]\n") }
    }

    /// What is written to the kernel is read back as the same.
    private static func again(
        _ value: AttributeValue?,
        as format: Attribute.Format,
        _ text: String? = nil
    ) throws(Violation) {
        guard let value else { return }
        let bytes = Array((text ?? value.description + "\n").utf8)
        try same(try? AttributeValue.parse(bytes.span, as: format), value, "a value printed and parsed")
    }
}
