package import KSMModel

extension SavedSettings {
    /// The text of the file: one line an attribute, `ours` behind those that have to come back.
    package var text: String {
        var lines = [
            "# What ksmd found before it changed anything; ksmd --restore puts it back.",
            "version=\(SavedSettings.version)",
            "boot_id=\(bootID)",
        ]
        for entry in entries {
            lines.append("\(entry.attribute.name)=\(entry.found)\(entry.isOurs ? " ours" : "")")
        }
        lines += unknown.map(\.text)
        return lines.joined(separator: "\n") + "\n"
    }

    /// Parses the file.
    ///
    /// Lines that are not understood are kept as they are, for the version that has written them.
    /// - Throws: when there is no version and no boot (then it is not such a file), and when the version is one that
    ///   `FormatVersion` does not let this reader take.
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> SavedSettings {
        var saved = SavedSettings(bootID: "")
        var isVersionKnown = false
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            let separator = line.first { text[$0] == UInt8(ascii: "=") } ?? line.upperBound
            let key = text.string(line.lowerBound..<separator)
            var position = min(separator + 1, line.upperBound)
            let value = text.word(in: line, from: &position)
            if key == "version" {
                try checkVersion(text, value)
                isVersionKnown = true
            } else if key == "boot_id" {
                saved.bootID = text.string(value)
            } else {
                let isOurs = text.equals("ours", in: text.word(in: line, from: &position))
                saved.take(key, text.string(value), isOurs: isOurs, line: text.string(line))
            }
        }
        guard isVersionKnown, !saved.bootID.isEmpty else {
            throw TextError(expected: "the saved settings of ksmd", found: text)
        }
        return saved
    }

    private static func checkVersion(_ text: Span<UInt8>, _ value: ByteRange) throws(TextError) {
        guard let found = text.unsigned(value), FormatVersion.isReadable(found, by: version) else {
            throw TextError(expected: "the format's version \(version)", found: text.extracting(value))
        }
    }

    /// Takes in a line; the first of an attribute counts, and comments are ksmd's own.
    private mutating func take(_ key: String, _ value: String, isOurs: Bool, line: String) {
        if let attribute = Attribute(name: key), attribute.isSetting, !value.isEmpty {
            if self[attribute] == nil { entries.append(Entry(attribute, found: value, isOurs: isOurs)) }
        } else if let first = line.utf8.first, first != UInt8(ascii: "#") {
            unknown.append(UnknownLine(line, isOurs: isOurs))
        }
    }
}
