import KSMReport
import KSMTuner

/// What `ksmctl config import` has to say.
struct ImportReport {
    enum Outcome: String {
        /// There is no old file.
        case nothing
        /// The drop-in goes to standard output.
        case printed
        case written
        /// The drop-in was there before, and nothing has been changed.
        case exists
    }

    let values: OldValues?
    var outcome = Outcome.nothing
    var selector = OldSelector([])

    init(_ values: OldValues?) {
        self.values = values
    }

    /// Prints it: beside a drop-in on standard output all sentences go to standard error, and what is not kept always
    /// does.
    func print(_ output: OutputOptions) {
        if output.wantsJSON { return output.printJSON(write) }
        if outcome == .printed { Swift.print(values?.dropIn ?? "", terminator: "") }
        for sentence in sentences.map(Human.plain) {
            if outcome == .printed { Program.complain(sentence) } else { Swift.print(sentence) }
        }
        for sentence in complaints { Program.complain(Human.plain(sentence)) }
    }

    /// What was done.
    var sentences: [String] {
        switch outcome {
        case .nothing:
            let names = ConfigurationFiles.oldFiles.map { "no " + $0.path }
            return ["There is nothing to import: there is \(OldValues.list(names))."]
        case .exists: return ["\(OldValues.path) is there already; nothing was changed."]
        case .printed: return [selector.sentence].compactMap(\.self)
        case .written:
            let rest = (values?.sentences ?? []) + [selector.sentence].compactMap(\.self)
            return ["Wrote \(OldValues.path), which beats the old files; delete it to let them count again."] + rest
        }
    }

    /// What is not kept, and what will not work as it did.
    var complaints: [String] {
        guard outcome == .printed || outcome == .written, let values else { return [] }
        return values.lost.map { "not kept: \($0)" } + values.remarks
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("outcome", outcome.rawValue)
            json.member("file", OldValues.path)
            json.member("text", values?.dropIn)
            json.array("kept") { json in
                for value in values?.kept ?? [] {
                    json.object { json in
                        json.member("section", value.section)
                        json.member("key", value.key)
                        json.member("value", value.value)
                        json.member("old", value.old)
                        json.member("origin", "\(value.file):\(value.line)")
                    }
                }
            }
            json.member("not_kept", values?.lost ?? [])
            json.member("remarks", values?.remarks ?? [])
            json.member("guests", selector.running)
            json.member("not_counted", selector.missed)
        }
    }
}
