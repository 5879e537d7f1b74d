import KSMConfiguration
import KSMModel
import KSMTuner

/// What the files of ksm and ksmtuned set, and what of that can be kept in a drop-in of ksmd.conf.
struct OldValues {
    /// One value that an old file sets.
    struct Value {
        /// Such as `KSM_THRES_COEF=30`; a number is printed as it was understood.
        var old: String
        var section: String
        /// In the notation of ksmd.conf.
        var key: String
        var value: String
        var file: String
        var line: Int

        var assignment: String { "\(key)=\(value)" }
    }

    /// The drop-in that keeps them.
    static let path = "/etc/ksmd/ksmd.conf.d/50-ksmtuned.conf"

    /// The old files that are there.
    let files: [String]
    /// In the order of ksmd.conf; of one that is set twice the value that counts.
    private(set) var kept: [Value] = []
    /// What is not kept, and why: `FILE:LINE: KEY: …`.
    private(set) var lost: [String] = []
    /// Whether the policy is to be ksmtuned's: unless a file of ksmd's own sets another.
    private(set) var isClassic = true

    /// - Parameters:
    ///   - sources: the old files.
    ///   - now: all that counts on this machine; where a file of ksmd's own sets another value, that goes on counting.
    init(_ sources: [Source], beside now: Configuration) {
        files = sources.map(\.path)
        let old = Configuration.load(sources: sources)
        for (key, entry) in zip(ConfigurationKey.all, old.entries) {
            let rival = rival(of: key.setsPolicy ? PolicyName.classic.rawValue : entry.value, now, key)
            if key.setsPolicy {
                isClassic = rival == nil
                if let rival { lost.append("\(files[0]): \(rival)") }
            } else if case .line(let file, let line) = entry.origin, let text = key.oldText(old.settings) {
                let value = Value(
                    old: text,
                    section: key.section,
                    key: key.name,
                    value: entry.value,
                    file: file,
                    line: line
                )
                take(value, rival)
            }
        }
        // What is said of the drop-in too is about values that are kept.
        let said = Set(Configuration.load(sources: [source]).warnings.map(\.message))
        lost = old.warnings.filter { !said.contains($0.message) }.map(\.description) + lost
    }

    private mutating func take(_ value: Value, _ rival: String?) {
        let name = value.old.prefix { $0 != "=" }
        if let rival {
            lost.append("\(value.file):\(value.line): \(name): \(rival)")
        } else if value.isExact {
            kept.append(value)
        } else {
            lost.append("\(value.file):\(value.line): \(name): \(value.value) cannot be written in ksmd.conf")
        }
    }

    /// That a file of ksmd's own sets another value.
    private func rival(of value: String, _ now: Configuration, _ key: ConfigurationKey) -> String? {
        guard let entry = now.entries.first(where: { $0.section == key.section && $0.key == key.name }),
            case .line(let path, _) = entry.origin, path != OldValues.path, !files.contains(path), entry.value != value
        else { return nil }
        return "\(entry.origin) sets \(entry.key)=\(entry.value), which goes on counting"
    }

    /// What is kept and will not work as it did.
    var remarks: [String] {
        kept.filter { $0.key == "LogFile" && $0.value != LegacyLog.shippedPath }.map { log in
            "\(log.file):\(log.line): \(log.old): \(LegacyLog.sandboxRemark)"
        }
    }

    /// The drop-in as a source.
    var source: Source { Source(path: OldValues.path, kind: .dropIn, bytes: Array(dropIn.utf8)) }
}

extension ConfigurationKey {
    fileprivate var setsPolicy: Bool { section == "Tuner" && name == "Policy" }
}

extension OldValues.Value {
    /// Whether ksmd.conf gives the same value back: a path may end with a backslash, which there continues the line.
    fileprivate var isExact: Bool {
        let text = "[\(section)]\n\(assignment)\n"
        let back = Configuration.load(sources: [Source(path: "", kind: .dropIn, bytes: Array(text.utf8))])
        return back.entries.contains { $0.section == section && $0.key == key && $0.value == value }
    }
}
