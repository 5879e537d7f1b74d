import KSMText

/// What goes into a record of a machine, and the file of a hold.
enum ExcerptChecks {
    static func excerpt(_ input: [UInt8]) throws(Violation) {
        try commandLine(input)
        let full = try? ProcessStat.parse(input.span)
        let cut = try? ProcessStat.parse(ProcessExcerpt.statistics(input).span)
        if full != nil { try same(cut, full, "the fields of a process that are used, in a record") }
        for line in ProcessExcerpt.withoutAddresses(input).split(separator: UInt8(ascii: "\n")) {
            let key = line.prefix { $0 != UInt8(ascii: ":") }
            try ensure(key.count < line.count && !key.contains(UInt8(ascii: "-")), "a line that may hold an address")
        }
    }

    /// Nothing is kept that does not stand behind a known option, and the name is the same afterwards.
    private static func commandLine(_ input: [UInt8]) throws(Violation) {
        let kept = ProcessExcerpt.commandLine(input)
        // An option at the end without its value gets an empty one.
        try ensure(kept.count <= input.count + 2, "more kept than there was")
        let words = input.split(separator: 0, omittingEmptySubsequences: false)
        for word in kept.split(separator: 0) {
            try ensure(words.contains { contains($0, word) }, "a word that was not there")
        }
        try same(
            ProcessExcerpt.commandLine(kept).split(separator: 0).map { Array($0) },
            kept.split(separator: 0).map { Array($0) },
            "an excerpt of an excerpt"
        )
    }

    private static func contains(_ whole: ArraySlice<UInt8>, _ part: ArraySlice<UInt8>) -> Bool {
        whole.indices.contains { whole[$0...].starts(with: part) }
    }

    static func hold(_ input: [UInt8]) throws(Violation) {
        let hold = HoldText.parse(input.span)
        try ensure(!hold.by.isEmpty && hold.by.count <= 65, "the name \(hold.by)")
        try ensure(hold.by.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "a control character")
        // A name that was cut ends in a sign that is no ASCII.
        guard hold.by.utf8.count == hold.by.count, !hold.by.hasSuffix(" ") else { return }
        try same(HoldText.parse(Array(hold.text.utf8).span), hold, "a hold printed and parsed")
    }
}
