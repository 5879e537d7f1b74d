import KSMConfiguration
import KSMModel
import Testing

/// ksmd.conf with this text and nothing else.
func native(_ text: String) -> Configuration {
    .load(sources: [Source(path: "/etc/ksmd/ksmd.conf", kind: .main, bytes: Array(text.utf8))])
}

/// ksmtuned.conf with this text and nothing else.
func old(_ text: String) -> Configuration {
    .load(sources: [Source(path: "/etc/ksmtuned.conf", kind: .ksmtuned, bytes: Array(text.utf8))])
}

func source(_ path: String, _ kind: Source.Kind, _ text: String) -> Source {
    Source(path: path, kind: kind, bytes: Array(text.utf8))
}

extension Configuration {
    /// The warnings as they are printed.
    var lines: [String] { warnings.map(\.description) }

    /// The settings of the classic rule.
    var classic: ClassicParameters { settings.classic }

    func entry(_ key: String) -> Entry? {
        entries.first { $0.key == key }
    }
}

/// The settings with one thing changed.
func settings(_ change: (inout Settings) -> Void) -> Settings {
    var settings = Settings()
    change(&settings)
    return settings
}

/// One line of input and the one change that it makes.
struct Row: CustomTestStringConvertible, Sendable {
    var text: String
    var change: @Sendable (inout Settings) -> Void

    init(_ text: String, _ change: @escaping @Sendable (inout Settings) -> Void) {
        self.text = text
        self.change = change
    }

    var testDescription: String { text }
}

/// One line of input and its one warning, without the file's name.
struct Warned: CustomTestStringConvertible, Sendable {
    var text: String
    var warning: String

    init(_ text: String, _ warning: String) {
        self.text = text
        self.warning = warning
    }

    var testDescription: String { text }
}
