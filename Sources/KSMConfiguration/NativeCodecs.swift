import KSMModel

/// Codecs of the values that ksmd.conf spells in its own way.
extension Codec {
    /// `Interval=`: a time span, or `auto`.
    static let interval = Codec(
        parse: { text throws(ValueError) in
            let value: UInt64? = text == "auto" ? nil : try Value.interval(text)
            return Change { $0.intervalMilliseconds = value }
        },
        text: { $0.intervalMilliseconds.map(Value.timeSpanText) ?? "auto" }
    )

    /// `Names=`: shell patterns.
    static let guestNames = Codec(
        parse: { text throws(ValueError) in
            let names = Value.list(text)
            guard names.count <= maximumNames, names.allSatisfy({ $0.utf8.count <= maximumNameLength }) else {
                throw ValueError(
                    problem: "\(quoted(text)) is more than \(maximumNames) patterns of \(maximumNameLength) bytes"
                )
            }
            return Change(note: hopeless(names)) { $0.guestNames = names }
        },
        text: { $0.guestNames.joined(separator: " ") }
    )

    /// A size in the file, KiB in the settings.
    static func size(_ path: SettingPath<Int64>) -> Codec {
        Codec(
            parse: { text throws(ValueError) in
                let value = Int64(clamping: try Value.size(text) / 1024)
                return Change { $0[keyPath: path] = value }
            },
            text: { sizeText(kibibytes: $0[keyPath: path]) }
        )
    }

    /// `MaxKernelPages=`: pages, or `auto` for half of memory.
    static let maxKernelPages = Codec(
        parse: { text throws(ValueError) in
            let value: UInt64? = text == "auto" ? nil : UInt64(clamping: try Value.wholeNumber(text, in: 0...Int64.max))
            return Change { $0.maxKernelPages = value }
        },
        text: { $0.maxKernelPages.map { String($0) } ?? "auto" }
    )

    /// `LogFile=`: an absolute path; none is standard error.
    static let logFile = Codec(
        parse: { text throws(ValueError) in
            let path = try Value.absolutePath(text)
            return Change { $0.logFile = path }
        },
        text: { $0.logFile ?? "" }
    )

    /// `yes` or `no`.
    static func boolean(_ path: SettingPath<Bool>) -> Codec {
        Codec(
            parse: { text throws(ValueError) in
                let value = try Value.boolean(text)
                return Change { $0[keyPath: path] = value }
            },
            text: { $0[keyPath: path] ? "yes" : "no" }
        )
    }

    /// The kernel keeps 15 bytes of a process name (TASK_COMM_LEN of linux/sched.h, which counts the NUL).
    private static let commLength = 15
    /// Every process name is held against every pattern: more than a few dozen are a mistake.
    private static let maximumNames = 64
    /// Room for a pattern with a bracket expression for each of 15 characters.
    private static let maximumNameLength = 256

    /// A note when a pattern can match no process name.
    private static func hopeless(_ names: [String]) -> String? {
        let plain = names.first { name in
            name.utf8.count > commLength && !name.utf8.contains { "*?[\\".utf8.contains($0) }
        }
        guard let plain else { return nil }
        return
            "\(quoted(plain)) is longer than the 15 characters that the kernel keeps of a process name and will match"
            + " nothing; write \(quoted(String(decoding: plain.utf8.prefix(commLength), as: UTF8.self)))"
    }

    /// With the largest suffix that leaves a whole number.
    private static func sizeText(kibibytes: Int64) -> String {
        var value = kibibytes
        var suffixes = ["K", "M", "G", "T"][...]
        while value != 0, value % 1024 == 0, suffixes.count > 1 {
            value /= 1024
            suffixes = suffixes.dropFirst()
        }
        return value == 0 ? "0" : "\(value)\(suffixes.first ?? "K")"
    }
}
