/// One word of a shell command, quotes removed.
struct ShellWord: Equatable {
    /// Why the shell would make something else of the word, or not accept it.
    enum Flaw: Equatable {
        /// `$` or a backquote: the shell would put something else there.
        case expansion
        /// A quote that is not closed on its line.
        case openQuote
    }

    var bytes: [UInt8] = []
    /// Where the `=` of an assignment is in `bytes`; `nil` where the word is none.
    var equals: Int?
    var flaw: Flaw?
    /// Whether the lexer cannot tell where the word ends: the rest of its line belongs to the flaw.
    var endsLine = false
    /// Whether all bytes so far are unquoted and spell a variable's name.
    fileprivate var isName = true

    /// The name before `=`; it is ASCII.
    var name: String? {
        equals.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }

    /// What follows `=`.
    var value: ArraySlice<UInt8> {
        equals.map { bytes[($0 + 1)...] } ?? []
    }
}

/// One simple command: the words up to a `;`, a line's end or a comment.
struct ShellCommand: Equatable {
    /// The line of its first word, counted from 1.
    var line: Int
    var words: [ShellWord] = []
    /// Whether `&`, `|`, a parenthesis or a redirection follows: then it is more than assignments.
    var hasOperator = false
}

/// Cuts a shell file into simple commands, without running any: quotes, comments, `;` and continued lines as in the
/// shell, except that a quote ends with its line.
///
/// Linear in the size of the file.
struct ShellLexer: IteratorProtocol {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() -> ShellCommand? {
        while let byte = peek() {
            switch byte {
            case newline: endLine()
            case UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\t"): index += 1
            case carriageReturn where isLineEnd(index): index += 1
            case backslash where skipContinuation(): break
            case UInt8(ascii: "#"): skipComment()
            default: return command()
            }
        }
        return nil
    }

    private mutating func command() -> ShellCommand {
        var command = ShellCommand(line: line)
        while let byte = peek() {
            switch byte {
            case newline, UInt8(ascii: ";"), UInt8(ascii: "#"): return command
            case UInt8(ascii: " "), UInt8(ascii: "\t"): index += 1
            case carriageReturn where isLineEnd(index): index += 1
            case backslash where skipContinuation(): break
            case _ where isOperator(byte):
                command.hasOperator = true
                skipRestOfLine()
                return command
            default:
                let word = self.word()
                command.words.append(word)
                if word.endsLine {
                    skipRestOfLine()
                    return command
                }
            }
        }
        return command
    }

    private mutating func word() -> ShellWord {
        var word = ShellWord()
        while let byte = peek(), !word.endsLine {
            switch byte {
            case newline, UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\t"): return word
            case carriageReturn where isLineEnd(index): return word
            case _ where isOperator(byte): return word
            case backslash where skipContinuation(): break
            case backslash:
                word.isName = false
                index += 1
                if let escaped = peek() { append(escaped, to: &word) }
            case UInt8(ascii: "'"): singleQuoted(&word)
            case UInt8(ascii: "\""): doubleQuoted(&word)
            case UInt8(ascii: "$"), backquote: expansion(byte, &word)
            default: plain(byte, &word)
            }
        }
        return word
    }

    // MARK: Pieces of a word

    private mutating func plain(_ byte: UInt8, _ word: inout ShellWord) {
        if byte == UInt8(ascii: "="), word.equals == nil, word.isName, !word.bytes.isEmpty {
            word.equals = word.bytes.count
        } else if word.equals == nil {
            word.isName = word.isName && isNameByte(byte, isFirst: word.bytes.isEmpty)
        }
        append(byte, to: &word)
    }

    private mutating func singleQuoted(_ word: inout ShellWord) {
        word.isName = false
        index += 1
        while let byte = peek(), byte != newline {
            if byte == UInt8(ascii: "'") {
                index += 1
                return
            }
            append(byte, to: &word)
        }
        word.flaw = .openQuote
        word.endsLine = true
    }

    private mutating func doubleQuoted(_ word: inout ShellWord) {
        word.isName = false
        index += 1
        while let byte = peek(), byte != newline, !word.endsLine {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return
            case backslash where skipContinuation(): break
            case backslash:
                index += 1
                let escaped = peek() ?? newline
                if !#"$`"\"#.utf8.contains(escaped) { word.bytes.append(backslash) }
                if escaped != newline { append(escaped, to: &word) }
            case UInt8(ascii: "$"), backquote: expansion(byte, &word)
            default: append(byte, to: &word)
            }
        }
        if word.flaw == nil { word.flaw = .openQuote }
        word.endsLine = true
    }

    /// A variable is part of its word; where a substitution ends only a shell can tell.
    private mutating func expansion(_ byte: UInt8, _ word: inout ShellWord) {
        word.flaw = .expansion
        word.isName = false
        append(byte, to: &word)
        let next = peek() ?? newline
        word.endsLine = word.endsLine || byte == backquote || "({['\"".utf8.contains(next)
    }

    private mutating func append(_ byte: UInt8, to word: inout ShellWord) {
        word.bytes.append(byte)
        index += 1
    }

    // MARK: Places

    private func peek() -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    /// Whether a line ends at `position`, with or without a carriage return.
    private func isLineEnd(_ position: Int) -> Bool {
        guard position < bytes.count else { return true }
        if bytes[position] == newline { return true }
        return bytes[position] == carriageReturn && position + 1 < bytes.count && bytes[position + 1] == newline
    }

    /// Skips a backslash and the line's end behind it; `false` where the backslash is something else.
    private mutating func skipContinuation() -> Bool {
        guard isLineEnd(index + 1) else { return false }
        index += 1
        if peek() == carriageReturn { index += 1 }
        endLine()
        return true
    }

    private mutating func endLine() {
        index += 1
        line += 1
    }

    private mutating func skipComment() {
        while let byte = peek(), byte != newline { index += 1 }
    }

    private mutating func skipRestOfLine() {
        while let byte = peek(), byte != newline {
            if byte == backslash, skipContinuation() { continue }
            index += 1
        }
    }
}

private let newline = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
private let backslash = UInt8(ascii: "\\")
private let backquote = UInt8(ascii: "`")

private func isOperator(_ byte: UInt8) -> Bool {
    "&|<>()".utf8.contains(byte)
}

private func isNameByte(_ byte: UInt8, isFirst: Bool) -> Bool {
    let letter = byte | 0x20
    if byte == UInt8(ascii: "_") || (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")) { return true }
    return !isFirst && isDigit(byte)
}
