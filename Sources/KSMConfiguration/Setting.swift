import KSMModel

/// One value of `Settings`, whatever it is called in a file.
enum Setting: Int, CaseIterable, Sendable {
    case policy, interval, onStop, foreignWrites, advisor
    case mergeAcrossNodes, nearDistance, acrossGain, autoUnmerge, scopeDwell, calmDwell, maxGuestStall
    case guestNames, memoryMetric
    case boostPages, decayPages, minimumPages, maximumPages
    case sleepMilliseconds, thresholdPercent, thresholdFloor, maxKernelPages
    case eventSources, watchedCgroups
    case logFile, debug, summary
}

/// What a valid value does to the settings.
struct Change: Sendable {
    var apply: @Sendable (inout Settings) -> Void
    /// A warning about a value that is taken all the same.
    var note: String?

    init(note: String? = nil, _ apply: @escaping @Sendable (inout Settings) -> Void) {
        self.apply = apply
        self.note = note
    }
}

/// How one key reads its value from text and prints it in the same notation.
struct Codec: Sendable {
    var parse: @Sendable (String) throws(ValueError) -> Change
    var text: @Sendable (Settings) -> String
}

/// How a warning prints the value that is in force: in the notation of the key that it is about.
struct KeyText {
    var setting: Setting
    var text: @Sendable (Settings) -> String
}

/// Why a value is not taken.
struct ValueError: Error, Equatable {
    /// A sentence without subject and full stop: `"12.5" is not a whole number`.
    var problem: String
}

/// The place of one value in the settings.
typealias SettingPath<Value> = any WritableKeyPath<Settings, Value> & Sendable

// MARK: - Codecs

extension Codec {
    /// A decimal number.
    static func number(_ path: SettingPath<Int64>, in range: ClosedRange<Int64>) -> Codec {
        Codec(
            parse: { text throws(ValueError) in
                let value = try Value.wholeNumber(text, in: range)
                return Change { $0[keyPath: path] = value }
            },
            text: { String($0[keyPath: path]) }
        )
    }

    /// One word of a fixed list.
    static func word<Word>(_ path: SettingPath<Word>) -> Codec
    where Word: RawRepresentable<String> & CaseIterable & Sendable {
        Codec(
            parse: { text throws(ValueError) in
                let value: Word = try Value.word(text)
                return Change { $0[keyPath: path] = value }
            },
            text: { $0[keyPath: path].rawValue }
        )
    }

    /// A percentage, with or without `%`.
    static func percent(_ path: SettingPath<Int64>, in range: ClosedRange<Int64>) -> Codec {
        Codec(
            parse: { text throws(ValueError) in
                let value = try Value.percent(text, in: range)
                return Change { $0[keyPath: path] = value }
            },
            text: { "\($0[keyPath: path])%" }
        )
    }

    /// A time span in milliseconds.
    static func timeSpan(_ path: SettingPath<UInt64>, in range: ClosedRange<UInt64>) -> Codec {
        Codec(
            parse: { text throws(ValueError) in
                let value = try Value.milliseconds(text, in: range)
                return Change { $0[keyPath: path] = value }
            },
            text: { Value.timeSpanText(milliseconds: $0[keyPath: path]) }
        )
    }

    /// A number of pages that the kernel's `unsigned int` holds (pages_to_scan_store of mm/ksm.c).
    static func batch(_ path: SettingPath<Int64>) -> Codec {
        .number(path, in: 0...Int64(UInt32.max))
    }

    /// Milliseconds that the kernel's `unsigned int` holds (sleep_millisecs_store of mm/ksm.c).
    static let sleep = Codec.number(\.classic.sleepMilliseconds, in: 0...Int64(UInt32.max))

    /// A percentage of total memory.
    ///
    /// Above 100 means the same as 100, always short of memory; ten times that is a typing error.
    static let percentRange: ClosedRange<Int64> = 0...1000
}
