import KSMModel

/// The old files: assignments of shell variables, read and never executed.
extension Loader {
    mutating func readShell(_ source: Source) {
        var lexer = ShellLexer(source.bytes)
        while let command = lexer.next() {
            read(command, source)
        }
    }

    private mutating func read(_ command: ShellCommand, _ source: Source) {
        let isExport = command.words.first?.bytes == Array("export".utf8)
        let words = isExport ? command.words.dropFirst() : command.words[...]
        if command.hasOperator || words.contains(where: { $0.isCommand(afterExport: isExport) }) {
            refuse(command, source)
            return
        }
        for word in words where word.equals != nil {
            assign(word, source, command.line)
        }
    }

    private mutating func refuse(_ command: ShellCommand, _ source: Source) {
        if let name = command.spacedKey {
            warn(source, command.line, key: name, "no space is allowed around =; the line is ignored")
            return
        }
        warn(
            source,
            command.line,
            "\(excerpt(command.beginning[...])) is shell that ksmd does not execute; it reads KEY=value and ignores this"
        )
    }

    private mutating func assign(_ word: ShellWord, _ source: Source, _ line: Int) {
        guard let name = word.name else { return }
        guard let key = OldKey.find(name) else {
            notKnown(name, word, source, line)
            return
        }
        if source.kind == .ksm, name != OldKey.maxKernelPages {
            if name.hasPrefix("KSM_") { warn(source, line, key: name, "belongs into /etc/ksmtuned.conf; ignored here") }
            return
        }
        noteOldKey(name, word, source, line)
        guard let setting = key.setting else { return }
        guard let text = value(word, key, source, line) else { return }
        if text.isEmpty {
            old[setting.rawValue] = nil
        } else if let assignment = parse(text, key.codec, key.keyText, (source, line, name)) {
            old[setting.rawValue] = assignment
        }
    }

    /// Other people's variables are nobody's business, unless the rest of the line went with them.
    private mutating func notKnown(_ name: String, _ word: ShellWord, _ source: Source, _ line: Int) {
        if name.hasPrefix("KSM_") {
            noteOldKey(name, word, source, line)
            let names = OldKey.all.map(\.name)
            warn(source, line, key: name, "unknown key, ignored" + NearMiss.suggestion(name, among: names) { $0 })
        } else if word.endsLine {
            warn(source, line, key: name, (word.problem ?? "cannot be read") + "; the line is ignored from here on")
        }
    }

    private mutating func noteOldKey(_ name: String, _ word: ShellWord, _ source: Source, _ line: Int) {
        guard firstOldKey == nil, source.kind == .ksmtuned, name.hasPrefix("KSM_"), !word.value.isEmpty else { return }
        firstOldKey = .line(path: source.path, number: line)
    }

    /// The text of a value; `nil` after a warning.
    private mutating func value(_ word: ShellWord, _ key: OldKey, _ source: Source, _ line: Int) -> String? {
        let text = String(validating: word.value, as: UTF8.self)
        if word.flaw == nil, let text, !text.utf8.contains(0) { return text }
        let problem = word.problem ?? (text == nil ? "is not valid UTF-8" : "has a NUL byte in it")
        diagnostics.add(
            file: source.path,
            Diagnostic(file: source.path, line: line, key: key.name, message: problem),
            fallback: key.keyText
        )
        return nil
    }
}

extension ShellWord {
    /// Whether the word can be nothing but a command or its argument.
    ///
    /// `export NAME` is harmless.
    fileprivate func isCommand(afterExport: Bool) -> Bool {
        guard equals == nil else { return false }
        return !afterExport || flaw != nil || bytes.first == UInt8(ascii: "-")
    }

    /// Why the value is not what the shell would have made of it.
    fileprivate var problem: String? {
        switch flaw {
        case .expansion: "\(excerpt(value)) needs a shell, and ksmd executes nothing"
        case .openQuote: "\(excerpt(value)) has a quote that is not closed on its line"
        case nil: nil
        }
    }
}

extension ShellCommand {
    /// The key of `KEY = value`, `KEY =value` or `KEY= value`.
    fileprivate var spacedKey: String? {
        guard !hasOperator, let first = words.first, words.count > 1 else { return nil }
        let name = first.name ?? String(decoding: first.bytes.prefix(64), as: UTF8.self)
        guard OldKey.find(name) != nil else { return nil }
        if first.equals != nil { return first.value.isEmpty ? name : nil }
        return words[1].bytes.first == UInt8(ascii: "=") ? name : nil
    }

    /// Enough of the words for a message.
    fileprivate var beginning: [UInt8] {
        var result: [UInt8] = []
        for word in words where result.count <= 40 {
            if !result.isEmpty { result.append(UInt8(ascii: " ")) }
            result += word.bytes.prefix(41)
        }
        return result
    }
}
