import KSMModel
import KSMText

/// The file that keeps what ksmd found.
enum SavedSettingsChecks {
    static func saved(_ input: [UInt8]) throws(Violation) {
        guard let saved = try? SavedSettings.parse(input.span) else { return }
        try ensure(!saved.bootID.isEmpty, "no boot")
        try ensure(saved.entries.allSatisfy { $0.attribute.isSetting }, "a counter is to come back")
        try ensure(saved.entries.allSatisfy { !$0.found.isEmpty }, "nothing is to come back")
        try same(Set(saved.entries.map(\.attribute)).count, saved.entries.count, "every attribute once")
        let text = Array(saved.text.utf8)
        try same(try? SavedSettings.parse(text.span), saved, "settings printed and parsed")
    }
}
