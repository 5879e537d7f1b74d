import KSMConfiguration
import KSMModel

/// ksmd.conf, ksmtuned.conf and the old `ksm` file.
enum ConfigurationChecks {
    static func load(_ input: [UInt8], as kind: Source.Kind) throws(Violation) {
        let configuration = Configuration.load(sources: [Source(path: "f", kind: kind, bytes: input)])
        try warnings(configuration.warnings)
        try ranges(configuration.settings)
        try same(configuration.entries.count, ConfigurationKey.all.count, "every key once")
        if kind == .ksm {
            var wanted = Settings()
            wanted.maxKernelPages = configuration.settings.maxKernelPages
            try same(configuration.settings, wanted, "a file that sets one key")
        }
        try again(configuration)
    }

    /// Few, short and on one line each.
    private static func warnings(_ warnings: [Diagnostic]) throws(Violation) {
        try ensure(warnings.count <= 101, "\(warnings.count) warnings")
        for warning in warnings {
            let text = warning.description
            try ensure(text.utf8.count < 1000, "a warning of \(text.utf8.count) bytes")
            try ensure(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "not one line: \(text)")
            try ensure(text.hasPrefix("f:"), "a warning without its file: \(text)")
        }
    }

    private static func ranges(_ settings: Settings) throws(Violation) {
        let classic = settings.classic
        let word: ClosedRange<Int64> = 0...Int64(UInt32.max)
        try ensure((1000...86_400_000).contains(settings.effectiveIntervalMilliseconds), "an interval out of range")
        try ensure(classic.boostPages >= 0, "a negative boost")
        try ensure(word.contains(classic.minimumPages), "a smallest batch that the kernel cannot hold")
        try ensure(word.contains(classic.maximumPages), "a largest batch that the kernel cannot hold")
        try ensure(word.contains(classic.sleepMilliseconds), "a sleep that the kernel cannot hold")
        try ensure((0...1000).contains(classic.thresholdPercent), "a threshold of \(classic.thresholdPercent) %")
        try ensure(classic.thresholdKiB >= 0, "a negative threshold")
        try numa(settings.numa)
        try ensure((1...64).contains(settings.guestNames.count), "\(settings.guestNames.count) patterns")
        try ensure(settings.guestNames.allSatisfy { (1...256).contains($0.utf8.count) }, "a pattern out of range")
        if let path = settings.logFile {
            try ensure(path.utf8.first == UInt8(ascii: "/") && path.utf8.count < 4096, "\(path) is no path")
            try ensure(path.utf8.allSatisfy { $0 >= 0x20 }, "a control character in a path")
        }
    }

    private static func numa(_ numa: NUMAParameters) throws(Violation) {
        let month: UInt64 = 2_592_000_000
        try ensure((10...254).contains(numa.nearDistance), "a distance of \(numa.nearDistance)")
        try ensure((0...100).contains(numa.acrossGainPercent), "a gain of \(numa.acrossGainPercent) %")
        try ensure(numa.scopeDwellMilliseconds <= month, "a dwell of \(numa.scopeDwellMilliseconds) ms")
        try ensure(numa.calmDwellMilliseconds <= month, "a dwell of \(numa.calmDwellMilliseconds) ms")
        try ensure((10...10_000).contains(numa.maxGuestStallMilliseconds), "a stall out of range")
    }

    /// What `ksmctl config show` prints means the same in a ksmd.conf.
    private static func again(_ configuration: Configuration) throws(Violation) {
        if configuration.entries.contains(where: { isHard($0.value) }) { return }
        // A threshold of more KiB than 64 bits hold bytes has no spelling in ksmd.conf.
        if configuration.settings.classic.thresholdKiB > Int64(UInt64.max / 1024) { return }
        let text = configuration.entries.map { "[\($0.section)]\n\($0.key)=\($0.value)\n" }.joined()
        let second = Configuration.load(sources: [Source(path: "f", kind: .main, bytes: Array(text.utf8))])
        for (entry, other) in zip(configuration.entries, second.entries) {
            try same(other.value, entry.value, "\(entry.key) printed and parsed")
        }
    }

    /// A backslash at the end would continue the line, and blanks there are not part of a value.
    private static func isHard(_ value: String) -> Bool {
        value.utf8.last.map { $0 == UInt8(ascii: "\\") || $0 <= 0x20 } ?? false
    }
}
