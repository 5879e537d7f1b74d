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
        return lines.joined(separator: "\n") + "\n"
    }

    /// Parses the file.
    ///
    /// Lines that are not understood are left out, so that a file of a newer version still gives back what both know.
    /// - Throws: when there is no version and no boot: then it is not such a file.
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> SavedSettings {
        var saved = SavedSettings(bootID: "")
        var version: UInt64?
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            guard let separator = line.first(where: { text[$0] == UInt8(ascii: "=") }) else { continue }
            let key = text.string(line.lowerBound..<separator)
            var position = separator + 1
            let value = text.word(in: line, from: &position)
            if key == "version" {
                version = text.unsigned(value)
            } else if key == "boot_id" {
                saved.bootID = text.string(value)
            } else if let attribute = Attribute(name: key), attribute.isSetting, !value.isEmpty, saved[attribute] == nil
            {
                let isOurs = text.equals("ours", in: text.word(in: line, from: &position))
                saved.entries.append(Entry(attribute, found: text.string(value), isOurs: isOurs))
            }
        }
        guard version != nil, !saved.bootID.isEmpty else {
            throw TextError(expected: "the saved settings of ksmd", found: text)
        }
        return saved
    }
}
