package import KSMModel

/// One variable of ksmtuned.conf or of the `ksm` file of /etc/default and /etc/sysconfig.
struct OldKey: Sendable {
    var name: String
    /// What it sets; `nil` for a variable that is accepted and has no use here.
    var setting: Setting?
    var codec: Codec

    var keyText: KeyText? {
        setting.map { KeyText(setting: $0, text: codec.text) }
    }

    /// The only variable that ksm.service reads.
    static let maxKernelPages = "KSM_MAX_KERNEL_PAGES"

    /// Every variable, as in the comments of ksmtuned.conf and in the script.
    static let all: [OldKey] = [
        OldKey(name: "KSM_MONITOR_INTERVAL", setting: .interval, codec: .sleepArgument),
        OldKey(name: "KSM_SLEEP_MSEC", setting: .sleepMilliseconds, codec: .sleep),
        OldKey(
            name: "KSM_NPAGES_BOOST",
            setting: .boostPages,
            codec: .number(\.classic.boostPages, in: 0...Int64.max)
        ),
        OldKey(
            name: "KSM_NPAGES_DECAY",
            setting: .decayPages,
            codec: .number(\.classic.decayPages, in: Int64.min...Int64.max)
        ),
        OldKey(name: "KSM_NPAGES_MIN", setting: .minimumPages, codec: .batch(\.classic.minimumPages)),
        OldKey(name: "KSM_NPAGES_MAX", setting: .maximumPages, codec: .batch(\.classic.maximumPages)),
        OldKey(
            name: "KSM_THRES_COEF",
            setting: .thresholdPercent,
            codec: .number(\.classic.thresholdPercent, in: Codec.percentRange)
        ),
        OldKey(
            name: "KSM_THRES_CONST",
            setting: .thresholdFloor,
            codec: .number(\.classic.thresholdKiB, in: 0...Int64.max)
        ),
        OldKey(name: "KSM_PS_METRIC", setting: .memoryMetric, codec: .psColumn),
        OldKey(name: maxKernelPages, setting: .maxKernelPages, codec: .kernelPages),
        OldKey(name: "LOGFILE", setting: .logFile, codec: .oldLogFile),
        OldKey(name: "DEBUG", setting: .debug, codec: .nonEmpty),
        OldKey(name: "PIDFILE", setting: nil, codec: .nothing),
    ]

    static func find(_ name: String) -> OldKey? {
        all.first { $0.name == name }
    }
}

// MARK: - Codecs of the old notation

extension Codec {
    /// `KSM_MONITOR_INTERVAL`: the argument of sleep(1).
    fileprivate static let sleepArgument = Codec(
        parse: { text throws(ValueError) in
            let value = try Value.sleepArgument(text)
            return Change { $0.intervalMilliseconds = value }
        },
        text: { Value.sleepText(milliseconds: $0.effectiveIntervalMilliseconds) }
    )

    /// `KSM_PS_METRIC`: a column of ps(1).
    ///
    /// Proxmox's script knows it; `rsz`, `rss` and `rssize` are one column.
    fileprivate static let psColumn = Codec(
        parse: { text throws(ValueError) in
            switch text {
            case "pss": return Change { $0.guestMetric = .pss }
            case "rsz", "rss", "rssize": return Change { $0.guestMetric = .rss }
            default: throw ValueError(problem: "\(quoted(text)) is neither pss nor rsz")
            }
        },
        text: { $0.guestMetric == .pss ? "pss" : "rsz" }
    )

    /// `KSM_MAX_KERNEL_PAGES`.
    fileprivate static let kernelPages = Codec(
        parse: { text throws(ValueError) in
            let pages = try Value.kernelPages(text)
            return Change { $0.maxKernelPages = pages }
        },
        text: { $0.maxKernelPages.map { String($0) } ?? "half of memory" }
    )

    /// `LOGFILE`.
    fileprivate static let oldLogFile = Codec(parse: Codec.logFile.parse) { $0.logFile ?? "standard error" }

    /// `DEBUG`: anything but nothing is on, `0` too.
    fileprivate static let nonEmpty = Codec(
        parse: { _ throws(ValueError) in Change { $0.debug = true } },
        text: { $0.debug ? "1" : "no debug lines" }
    )

    /// `PIDFILE`: any value, no effect.
    fileprivate static let nothing = Codec(
        parse: { _ throws(ValueError) in Change { _ in } },
        text: { _ in "" }
    )
}

extension ConfigurationKey {
    /// The value as an old file would spell it, `KSM_THRES_COEF=30`; `nil` for keys that the old files do not have.
    package func oldText(_ settings: Settings) -> String? {
        oldName.flatMap(OldKey.find).map { "\($0.name)=\($0.codec.text(settings))" }
    }
}
