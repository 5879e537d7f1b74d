package import KSMModel

/// What `ksmctl show` prints.
package enum AttributeReport {
    /// All attributes that this kernel has: name, value and unit, and one sentence each.
    package static func table(_ ksm: KSMAttributes) -> String {
        var result = ""
        for attribute in Attribute.allCases {
            guard let value = ksm[attribute] else { continue }
            let name = TextLayout.pad(attribute.name, to: 34)
            let number = TextLayout.pad(Human.plain(value.description), to: 20, .right)
            let line = "\(name)  \(number)  \(attribute.guide.unit)"
            result += trimmed(line) + "\n"
            result += TextLayout.wrap(attribute.guide.meaning, first: "    ", indent: 4)
        }
        let absent = Attribute.allCases.filter { ksm[$0] == nil }.map { "\($0.name) (\($0.guide.since))" }
        if !absent.isEmpty {
            result += "\nNot on this kernel, with the version that brought them:\n"
            result += TextLayout.wrap(absent.joined(separator: ", "), first: "    ", indent: 4)
        }
        return result
    }

    /// Everything about one attribute, whether this kernel has it or not.
    package static func text(_ attribute: Attribute, _ value: AttributeValue?) -> String {
        let guide = attribute.guide
        var result = attribute.name + "\n"
        result += line(
            "Value",
            value.map { trimmed("\(Human.plain($0.description)) \(guide.unit)") } ?? absent(attribute)
        )
        result += line("Meaning", guide.meaning)
        result += line("", guide.detail)
        result += line("Default", guide.defaultValue)
        result += line("Accepts", guide.range ?? "nothing: it is a counter")
        result += line("Since", "Linux \(guide.since)")
        result += line("Old guides", guide.oldGuide)
        return result
    }

    /// Why there is no value: `not on this kernel; came with 6.7`.
    package static func absent(_ attribute: Attribute) -> String {
        "not on this kernel; came with \(attribute.guide.since)"
    }

    /// The same for machines: an object with one member per attribute, `null` as value where this kernel lacks it.
    package static func write(_ attributes: [Attribute], _ ksm: KSMAttributes, to json: inout JSONWriter) {
        json.object { json in
            for attribute in attributes {
                json.object(attribute.name) { write(attribute, ksm[attribute], to: &$0) }
            }
        }
    }

    private static func write(_ attribute: Attribute, _ value: AttributeValue?, to json: inout JSONWriter) {
        switch value {
        case .unsigned(let number): json.member("value", number)
        case .signed(let number): json.member("value", number)
        case .word(let word): json.member("value", word)
        case nil: json.member("value", String?.none)
        }
        let guide = attribute.guide
        json.member("unit", guide.unit)
        json.member("meaning", guide.meaning)
        json.member("detail", guide.detail)
        json.member("since", guide.since)
        json.member("old_guides", guide.oldGuide)
        json.member("writable", attribute.isSetting)
        json.member("default", guide.defaultValue)
        json.member("range", guide.range)
    }

    private static func line(_ title: String, _ text: String?) -> String {
        guard let text, !text.isEmpty else { return "" }
        return TextLayout.wrap(text, first: TextLayout.pad(title, to: 12), indent: 12)
    }

    private static func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }
}
