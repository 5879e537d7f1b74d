import KSMReport

extension OldValues {
    /// The text of the drop-in.
    var dropIn: String {
        var text = comment(
            "Made by `ksmctl config import` of what \(OldValues.list(files)) set. It beats \(them): change the values"
                + " here. Delete this file to let \(them) count again. See ksmd.conf(5)."
        )
        if isClassic { text += "\n[Tuner]\n# The rule of ksmtuned.\nPolicy=classic\n" }
        var section = isClassic ? "Tuner" : ""
        for value in kept {
            if value.section != section { text += "\n[\(value.section)]\n" }
            section = value.section
            text += "# \(Human.plain("\(value.file):\(value.line): \(value.old)"))\n\(value.assignment)\n"
        }
        guard !lost.isEmpty else { return text }
        return text + "\n# Not kept:\n" + lost.map { "# \(Human.plain($0))\n" }.joined()
    }

    /// What was done, a sentence each.
    var sentences: [String] {
        files.map(sentence) + (isClassic ? ["The rule stays that of ksmtuned (Policy=classic)."] : [])
    }

    private func sentence(_ file: String) -> String {
        let values = kept.filter { $0.file == file }.map { "\($0.old) (\($0.assignment))" }
        if !values.isEmpty { return "Kept from \(file): \(values.joined(separator: ", "))." }
        return lost.contains { $0.hasPrefix("\(file):") } ? "Nothing of \(file) can be kept." : "\(file) sets nothing."
    }

    private var them: String { files.count == 1 ? files[0] : "these files" }

    private func comment(_ text: String) -> String {
        TextLayout.wrap("# " + text, width: 78).split(separator: "\n")
            .map { $0.hasPrefix("# ") ? "\($0)\n" : "# \($0)\n" }.joined()
    }

    /// `a, b and c`.
    static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.joined() }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}
