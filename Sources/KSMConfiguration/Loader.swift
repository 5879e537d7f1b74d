import KSMModel

/// Collects what the files say; `Configuration` is what comes out.
struct Loader {
    /// A value that a file sets, not yet applied.
    struct Assignment {
        var change: Change
        var file: String
        var line: Int
        /// The key as the file spells it.
        var key: String

        var origin: Origin { .line(path: file, number: line) }
    }

    /// What ksmd.conf and its drop-ins set, by setting.
    var native = [Assignment?](repeating: nil, count: Setting.allCases.count)
    /// What the old files set.
    var old = [Assignment?](repeating: nil, count: Setting.allCases.count)
    /// The first `KSM_` variable of ksmtuned.conf that has a value.
    var firstOldKey: Origin?
    var diagnostics = Diagnostics()

    /// Reads one file.
    mutating func read(_ source: Source) {
        switch source.kind {
        case .main, .dropIn: readIni(source)
        case .ksmtuned, .ksm: readShell(source)
        }
    }

    /// The assignment that counts: ksmd.conf before the old files.
    func assignment(_ setting: Setting) -> Assignment? {
        native[setting.rawValue] ?? old[setting.rawValue]
    }

    func settings() -> Settings {
        var settings = Settings()
        for setting in Setting.allCases {
            assignment(setting)?.change.apply(&settings)
        }
        return settings
    }

    func origin(_ setting: Setting) -> Origin {
        if setting == .policy, native[setting.rawValue] == nil, let firstOldKey { return firstOldKey }
        return assignment(setting)?.origin ?? .default
    }

    mutating func warn(_ source: Source, _ line: Int?, key: String? = nil, _ message: @autoclosure () -> String) {
        diagnostics.add(
            file: source.path,
            Diagnostic(file: source.path, line: line, key: key, message: message())
        )
    }

    /// Reads a value.
    ///
    /// A bad one counts as not written: one warning, and what was set before, or the default, stays.
    mutating func parse(
        _ text: String,
        _ codec: Codec,
        _ keyText: KeyText?,
        _ place: (source: Source, line: Int, key: String)
    ) -> Assignment? {
        let (source, line, key) = place
        do throws(ValueError) {
            let change = try codec.parse(text)
            if let note = change.note { warn(source, line, key: key, note) }
            return Assignment(change: change, file: source.path, line: line, key: key)
        } catch {
            diagnostics.add(
                file: source.path,
                Diagnostic(file: source.path, line: line, key: key, message: error.problem),
                fallback: keyText
            )
            return nil
        }
    }

    /// Warns of values of the old files that do not count because ksmd.conf or a drop-in sets another: whoever edits the
    /// old file sees no effect.
    mutating func checkOld(_ settings: Settings) {
        for key in ConfigurationKey.all {
            guard let old = old[key.setting.rawValue], let native = native[key.setting.rawValue] else { continue }
            var others = settings
            old.change.apply(&others)
            let value = key.text(settings)
            if key.text(others) == value { continue }
            let message = "does not count: \(native.origin) sets \(key.name)=\(printable(value))"
            diagnostics.add(
                file: old.file,
                Diagnostic(file: old.file, line: old.line, key: old.key, message: message)
            )
        }
    }

    /// Warns where values that are good by themselves do not fit together.
    mutating func checkTogether(_ settings: Settings) {
        let classic = settings.classic
        guard classic.minimumPages > classic.maximumPages else { return }
        guard let blamed = assignment(.maximumPages) ?? assignment(.minimumPages) else { return }
        diagnostics.add(
            file: blamed.file,
            Diagnostic(
                file: blamed.file,
                line: blamed.line,
                key: blamed.key,
                message: "the smallest batch (\(classic.minimumPages) pages) is above the largest"
                    + " (\(classic.maximumPages)); both are kept, and the smallest wins"
            )
        )
    }
}

// MARK: - ksmd.conf

extension Loader {
    /// Where the lines of a file in systemd's syntax stand.
    private enum Place {
        case beforeAnySection
        case section(String)
        /// A section that has had its warning: its lines are passed over in silence.
        case ignored
    }

    private mutating func readIni(_ source: Source) {
        var place = Place.beforeAnySection
        var lines = IniLines(source.bytes)
        while let (number, bytes) = lines.next() {
            switch IniLine(bytes) {
            case .empty: break
            case .section(let name): place = enter(name, source, number)
            case .badHeader(let sentence):
                warn(source, number, sentence)
                place = .ignored
            case .problem(let sentence):
                if case .ignored = place { break }
                warn(source, number, sentence)
            case .assignment(let key, let value):
                switch place {
                case .ignored: break
                case .beforeAnySection: warn(source, number, key: key, "stands before any [Section] and is ignored")
                case .section(let section): assign(section, key, value, source, number)
                }
            }
        }
    }

    private mutating func enter(_ name: String, _ source: Source, _ line: Int) -> Place {
        if ConfigurationKey.sections.contains(name) { return .section(name) }
        if !name.hasPrefix("X-") {  // systemd.syntax(7): for the use of others
            warn(
                source,
                line,
                "[\(printable(name))] is an unknown section and is ignored"
                    + NearMiss.suggestion(name, among: ConfigurationKey.sections) { "[\($0)]" }
            )
        }
        return .ignored
    }

    private mutating func assign(_ section: String, _ name: String, _ value: String, _ source: Source, _ line: Int) {
        guard let key = ConfigurationKey.find(section: section, name: name) else {
            if name.hasPrefix("X-") { return }
            warn(
                source,
                line,
                key: name,
                "unknown key in [\(section)], ignored" + NearMiss.suggestion(name, section: section)
            )
            return
        }
        if value.isEmpty {
            native[key.setting.rawValue] = nil
        } else if let assignment = parse(value, key.codec, key.keyText, (source, line, name)) {
            native[key.setting.rawValue] = assignment
        }
    }
}
