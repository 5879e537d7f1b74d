import Foundation

/// A manual page as plain text: enough of man(7) for the macros that ours use.
struct ManualPage {
    /// What stands between two paragraph macros, on one line.
    struct Paragraph {
        /// The section, and the subsection if there is one.
        var section: String
        var subsection: String
        var text: String
        /// The rows of tables, by the page's separators.
        var rows: [[String]] = []
    }

    private(set) var paragraphs: [Paragraph] = []
    /// The words of the `.TH` line.
    private(set) var header: [String] = []

    private var section = ""
    private var subsection = ""
    private var tableSeparator: Character?
    private var joinsNext = false

    init(_ path: String) throws {
        for line in try Repository.lines(path) { take(line) }
    }

    /// All text.
    var text: String { paragraphs.map(\.text).joined(separator: "\n") }

    /// The text of one section, subsections included.
    func text(section: String) -> String {
        paragraphs.filter { $0.section == section }.map(\.text).joined(separator: "\n")
    }

    var subsections: [String] {
        paragraphs.reduce(into: []) { list, paragraph in
            if !paragraph.subsection.isEmpty, list.last != paragraph.subsection { list.append(paragraph.subsection) }
        }
    }

    var rows: [[String]] { paragraphs.flatMap(\.rows) }

    /// Whether `word` stands in the text with no letter, digit, `_` or `-` around it.
    static func mentions(_ text: String, _ word: String) -> Bool {
        func isWord(_ character: Character?) -> Bool {
            character.map { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" } ?? false
        }
        var rest = text[...]
        while let range = rest.range(of: word) {
            let before = range.lowerBound > text.startIndex ? text[text.index(before: range.lowerBound)] : nil
            let after = range.upperBound < text.endIndex ? text[range.upperBound] : nil
            if !isWord(before), !isWord(after) { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    // MARK: Reading

    private mutating func take(_ line: String) {
        if line.hasPrefix("'\\\"") || line.hasPrefix(".\\\"") { return }
        if let separator = tableSeparator, !line.hasPrefix(".TE") {
            takeTable(line, separator)
            return
        }
        guard line.hasPrefix(".") else {
            append(ManualPage.plain(line))
            return
        }
        let words = ManualPage.arguments(line)
        let arguments = words.dropFirst().map(ManualPage.plain)
        switch words.first {
        case ".TH": header = arguments
        case ".SH":
            (section, subsection) = (arguments.joined(separator: " "), "")
            begin()
        case ".SS":
            subsection = arguments.joined(separator: " ")
            begin()
        case ".TP", ".P", ".IP": begin()
        case ".TQ": append(",")
        case ".TS": tableSeparator = "|"
        case ".TE": tableSeparator = nil
        case ".B", ".I": append(arguments.joined(separator: " "))
        case ".BR", ".RB", ".BI", ".IB", ".IR", ".RI":
            append(arguments.joined())
            joinsNext = line.hasSuffix("\\c")
        default: break
        }
    }

    private mutating func begin() {
        paragraphs.append(Paragraph(section: section, subsection: subsection, text: ""))
    }

    private mutating func append(_ text: String) {
        guard !paragraphs.isEmpty, !text.isEmpty else { return }
        let separator = joinsNext || paragraphs[paragraphs.count - 1].text.isEmpty ? "" : " "
        paragraphs[paragraphs.count - 1].text += separator + text
        joinsNext = false
    }

    private mutating func takeTable(_ line: String, _ separator: Character) {
        if line.hasPrefix("tab(") {
            tableSeparator = line.dropFirst(4).first
        } else if line.contains(separator), !paragraphs.isEmpty {
            let cells = line.split(separator: separator, omittingEmptySubsequences: false)
            paragraphs[paragraphs.count - 1].rows.append(cells.map { ManualPage.plain(String($0)) })
        }
    }

    /// The words of a macro line; double quotes keep blanks together.
    private static func arguments(_ line: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var isOpen = false
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
                isOpen = true
            } else if character == " ", !isQuoted {
                if isOpen { words.append(word) }
                (word, isOpen) = ("", false)
            } else {
                word.append(character)
                isOpen = true
            }
        }
        return isOpen ? words + [word] : words
    }

    private static func plain(_ text: String) -> String {
        var result = text
        for (escape, meaning) in [("\\-", "-"), ("\\&", ""), ("\\c", ""), ("\\%", ""), ("\\(bu", "•"), ("\\e", "\\")] {
            result = result.replacingOccurrences(of: escape, with: meaning)
        }
        return result
    }
}
