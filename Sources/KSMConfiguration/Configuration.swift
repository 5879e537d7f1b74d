package import KSMModel

/// What the configuration files say: the settings, where each comes from, and what was wrong.
package struct Configuration: Sendable {
    /// One line of `ksmctl config show`.
    package struct Entry: Equatable, Sendable {
        /// The section of ksmd.conf, without brackets.
        package var section: String
        /// The key of ksmd.conf, also where an old file set the value.
        package var key: String
        /// The value in force, in the notation of ksmd.conf; what `auto` amounts to where that is known.
        package var value: String
        package var origin: Origin
    }

    /// Validated; complete whatever the files say.
    package let settings: Settings
    /// In the order of reading, at most a hundred and one more that counts the rest.
    package let warnings: [Diagnostic]
    /// Every key of ksmd.conf in the order of the shipped file.
    package let entries: [Entry]
    /// Where ksmtuned.conf sets its first `KSM_` variable, when that is why the policy is classic: no `Policy=` is set.
    package let classicBecauseOf: Origin?

    /// Reads all sources: main file, then drop-ins in the order given, beat ksmtuned.conf and the `ksm` files, which
    /// beat the defaults.
    ///
    /// Within one rank the last assignment wins; an empty one takes back what that rank has set.
    ///
    /// Never fails: a bad value counts as not written. Time and memory are linear in the size of the sources.
    /// - Parameter fileWarnings: warnings about files that could not be read, to stand before the others.
    package static func load(sources: [Source], fileWarnings: [Diagnostic] = []) -> Configuration {
        var loader = Loader()
        for warning in fileWarnings { loader.diagnostics.add(file: warning.file, warning) }
        for source in sources { loader.read(source) }
        let settings = loader.settings()
        loader.checkOld(settings)
        loader.checkTogether(settings)
        return Configuration(loader, settings)
    }

    private init(_ loader: Loader, _ settings: Settings) {
        self.settings = settings
        warnings = loader.diagnostics.finished { key in
            let value = printable(key.text(settings), limit: 200)
            return switch loader.origin(key.setting) {
            case .default: value
            case let origin: "\(value) from \(origin)"
            }
        }
        entries = ConfigurationKey.all.map { key in
            Entry(section: key.section, key: key.name, value: key.text(settings), origin: loader.origin(key.setting))
        }
        let policy = loader.native[Setting.policy.rawValue]
        classicBecauseOf = policy == nil ? loader.firstOldKey : nil
    }
}
