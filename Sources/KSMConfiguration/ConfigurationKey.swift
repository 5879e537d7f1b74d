package import KSMModel

/// One key of ksmd.conf: its name, how it is read, its default and what it means.
///
/// The table drives the parser, `ksmctl config show`, and the test that holds the shipped file against it.
package struct ConfigurationKey: Sendable {
    /// The section without brackets.
    package let section: String
    package let name: String
    /// What the value is counted in, or which words it can be.
    package let unit: String
    /// One sentence.
    package let sentence: String
    /// The variable of ksmtuned.conf that means the same, where there is one.
    package let oldName: String?
    let setting: Setting
    let codec: Codec
    /// Prints what the value amounts to, where that says more than the value (`auto`).
    let effective: (@Sendable (Settings) -> String)?
    /// Prints the value for a warning, where the file's notation says nothing (an empty `LogFile=`).
    let spoken: (@Sendable (Settings) -> String)?

    /// The default as the file would spell it.
    package var defaultText: String { codec.text(Settings()) }

    /// The value in `settings`; where the file may leave it open (`Interval=auto`), what it amounts to.
    package func text(_ settings: Settings) -> String {
        effective?(settings) ?? codec.text(settings)
    }

    var keyText: KeyText { KeyText(setting: setting, text: spoken ?? text) }

    init(
        _ section: String,
        _ name: String,
        _ setting: Setting,
        _ codec: Codec,
        unit: String,
        oldName: String? = nil,
        effective: (@Sendable (Settings) -> String)? = nil,
        spoken: (@Sendable (Settings) -> String)? = nil,
        _ sentence: String
    ) {
        self.section = section
        self.name = name
        self.setting = setting
        self.codec = codec
        self.unit = unit
        self.oldName = oldName
        self.effective = effective
        self.spoken = spoken
        self.sentence = sentence
    }

    /// The sections of ksmd.conf in the order of the shipped file.
    ///
    /// One of them has no keys yet.
    package static let sections = ["Tuner", "NUMA", "Guests", "Events", "Scanner", "Adaptive", "Output"]

    /// Every key, in the order of the shipped file.
    package static let all: [ConfigurationKey] = tuner + numa + guests + events + scanner + output

    /// The key called `name` in `section`.
    static func find(section: String, name: String) -> ConfigurationKey? {
        all.first { $0.name == name && $0.section == section }
    }
}

// MARK: - The table

extension ConfigurationKey {
    private static let tuner: [ConfigurationKey] = [
        ConfigurationKey(
            "Tuner",
            "Policy",
            .policy,
            .word(\.policy),
            unit: words(PolicyName.self),
            "The rule that decides when and how fast the kernel scans: classic is the rule of ksmtuned."
        ),
        ConfigurationKey(
            "Tuner",
            "Interval",
            .interval,
            .interval,
            unit: "time span from 1s to 24h, or auto",
            oldName: "KSM_MONITOR_INTERVAL",
            effective: { Value.timeSpanText(milliseconds: $0.effectiveIntervalMilliseconds) },
            "Time between two looks at the machine; auto leaves it to the policy, and classic takes 1min."
        ),
        ConfigurationKey(
            "Tuner",
            "OnStop",
            .onStop,
            .word(\.onStop),
            unit: words(OnStop.self),
            "What happens when ksmd stops: the settings found at its start come back, they come back but scanning stays"
                + " off, or everything is left as it is."
        ),
        ConfigurationKey(
            "Tuner",
            "ForeignWrites",
            .foreignWrites,
            .word(\.foreignWrites),
            unit: words(ForeignWrites.self),
            "What happens when somebody else changes a setting that ksmd has written: it is left alone, or taken back."
        ),
        ConfigurationKey(
            "Tuner",
            "Advisor",
            .advisor,
            .word(\.advisor),
            unit: words(AdvisorHandling.self),
            "What happens to the kernel's own advisor (Linux 6.8 or later) when it is found on: it is switched off until"
                + " ksmd stops, or kept and left to choose the speed."
        ),
    ]

    private static let guests: [ConfigurationKey] = [
        ConfigurationKey(
            "Guests",
            "Names",
            .guestNames,
            .guestNames,
            unit: "shell patterns, separated by spaces",
            "Names of the processes that are guests, as in /proc/PID/comm, which has at most 15 characters; ? stands for"
                + " any one, * for any number of them."
        ),
        ConfigurationKey(
            "Guests",
            "MemoryMetric",
            .memoryMetric,
            .word(\.guestMetric),
            unit: words(GuestMetric.self),
            oldName: "KSM_PS_METRIC",
            "What counts as a guest's memory in the classic rule: rss counts a merged page in full in every guest, pss"
                + " divides it by the number of its users and is slower to read."
        ),
    ]

    private static let scanner: [ConfigurationKey] = [
        ConfigurationKey(
            "Scanner",
            "BoostPages",
            .boostPages,
            .number(\.classic.boostPages, in: 0...Int64.max),
            unit: "pages",
            oldName: "KSM_NPAGES_BOOST",
            "Classic rule: added to the batch at each look while free memory is below the threshold."
        ),
        ConfigurationKey(
            "Scanner",
            "DecayPages",
            .decayPages,
            .number(\.classic.decayPages, in: Int64.min...Int64.max),
            unit: "pages",
            oldName: "KSM_NPAGES_DECAY",
            "Classic rule: added to the batch at each look while it is not; negative, so that the batch shrinks."
        ),
        ConfigurationKey(
            "Scanner",
            "MinimumPages",
            .minimumPages,
            .batch(\.classic.minimumPages),
            unit: "pages",
            oldName: "KSM_NPAGES_MIN",
            "Classic rule: the smallest batch, which wins where it is above the largest."
        ),
        ConfigurationKey(
            "Scanner",
            "MaximumPages",
            .maximumPages,
            .batch(\.classic.maximumPages),
            unit: "pages",
            oldName: "KSM_NPAGES_MAX",
            "Classic rule: the largest batch."
        ),
        ConfigurationKey(
            "Scanner",
            "SleepMilliseconds",
            .sleepMilliseconds,
            .sleep,
            unit: "milliseconds",
            oldName: "KSM_SLEEP_MSEC",
            "Classic rule: rest between two batches on a host of 16 GiB; smaller hosts rest longer in proportion, larger"
                + " ones shorter, but never less than 10."
        ),
        ConfigurationKey(
            "Scanner",
            "ThresholdPercent",
            .thresholdPercent,
            .percent(\.classic.thresholdPercent, in: Codec.percentRange),
            unit: "percent of total memory",
            oldName: "KSM_THRES_COEF",
            "Classic rule: memory is short when less than this is free."
        ),
        ConfigurationKey(
            "Scanner",
            "ThresholdFloor",
            .thresholdFloor,
            .size(\.classic.thresholdKiB),
            unit: "bytes, or with K, M, G or T; whole KiB count",
            oldName: "KSM_THRES_CONST",
            "Classic rule: the least that the threshold can be."
        ),
        ConfigurationKey(
            "Scanner",
            "MaxKernelPages",
            .maxKernelPages,
            .maxKernelPages,
            unit: "pages, 0 for no limit, or auto for half of memory",
            oldName: "KSM_MAX_KERNEL_PAGES",
            "Limit of shared pages, which only Linux 2.6.32 had: it is read and shown, and limits nothing."
        ),
    ]

    private static let output: [ConfigurationKey] = [
        ConfigurationKey(
            "Output",
            "Summary",
            .summary,
            .timeSpan(\.summaryMilliseconds, in: summaryRange),
            unit: "time span of at most 720h; 0 for none",
            "How often the journal gets an entry with what was saved and what that cost; a host where nothing is merged"
                + " and nobody scans gets none."
        ),
        ConfigurationKey(
            "Output",
            "LogFile",
            .logFile,
            .logFile,
            unit: "absolute path, or empty for standard error",
            oldName: "LOGFILE",
            spoken: { $0.logFile ?? "standard error" },
            "File for the lines of Debug=; the unit's sandbox allows /var/log/ksmtuned, another place needs a drop-in for"
                + " ReadWritePaths=."
        ),
        ConfigurationKey(
            "Output",
            "Debug",
            .debug,
            .boolean(\.debug),
            unit: "yes or no",
            oldName: "DEBUG",
            "Writes a few lines at each look, in the words of ksmtuned's debug log."
        ),
    ]

    /// In milliseconds; a month is longer than journals are kept.
    private static let summaryRange: ClosedRange<UInt64> = 0...2_592_000_000

    /// `a, b or c`.
    static func words<Word: RawRepresentable<String> & CaseIterable>(_: Word.Type) -> String {
        let words = Word.allCases.map(\.rawValue)
        guard let last = words.last, words.count > 1 else { return words.joined() }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
