import KSMConfiguration
import KSMModel
import Testing

@testable import ksmctl

@Suite("The drop-in that keeps what was set for ksmtuned")
struct OldValuesTests {
    private static let defaults = Configuration.load(sources: [])

    private static func old(_ text: String, _ path: String = "/etc/ksmtuned.conf", _ kind: Source.Kind = .ksmtuned)
        -> Source
    {
        Source(path: path, kind: kind, bytes: Array(text.utf8))
    }

    private static func native(_ text: String, _ path: String = "/etc/ksmd/ksmd.conf") -> Source {
        Source(path: path, kind: .main, bytes: Array(text.utf8))
    }

    @Test("it says where each value comes from, and that it beats the old file")
    func text() {
        let values = OldValues(
            [Self.old("KSM_MONITOR_INTERVAL=1m\nKSM_NPAGES_MAX=3000\nKSM_THRES_CONST=1048576\nDEBUG=on\n")],
            beside: Self.defaults
        )
        #expect(
            values.dropIn == """
                # Made by `ksmctl config import` of what /etc/ksmtuned.conf set. It beats
                # /etc/ksmtuned.conf: change the values here. Delete this file to let
                # /etc/ksmtuned.conf count again. See ksmd.conf(5).

                [Tuner]
                # The rule of ksmtuned.
                Policy=classic
                # /etc/ksmtuned.conf:1: KSM_MONITOR_INTERVAL=60
                Interval=1min

                [Scanner]
                # /etc/ksmtuned.conf:2: KSM_NPAGES_MAX=3000
                MaximumPages=3000
                # /etc/ksmtuned.conf:3: KSM_THRES_CONST=1048576
                ThresholdFloor=1G

                [Output]
                # /etc/ksmtuned.conf:4: DEBUG=1
                Debug=yes

                """
        )
        #expect(
            values.sentences == [
                "Kept from /etc/ksmtuned.conf: KSM_MONITOR_INTERVAL=60 (Interval=1min), KSM_NPAGES_MAX=3000"
                    + " (MaximumPages=3000), KSM_THRES_CONST=1048576 (ThresholdFloor=1G), DEBUG=1 (Debug=yes).",
                "The rule stays that of ksmtuned (Policy=classic).",
            ]
        )
    }

    @Test("a file with every value commented out, as Debian ships it, keeps the rule alone")
    func commentedOut() {
        let values = OldValues([Self.old("# KSM_NPAGES_MAX=1250\n\n")], beside: Self.defaults)
        #expect(values.dropIn.hasSuffix(").\n\n[Tuner]\n# The rule of ksmtuned.\nPolicy=classic\n"))
        #expect(values.sentences.first == "/etc/ksmtuned.conf sets nothing.")
        #expect(values.lost == [])
    }

    @Test("a value that only the file of ksm.service sets is kept from there")
    func ksm() {
        let sources = [
            Self.old(""), Self.old("KSM_MAX_KERNEL_PAGES=0x10 # of shared pages\n", "/etc/default/ksm", .ksm),
        ]
        let values = OldValues(sources, beside: Self.defaults)
        #expect(values.dropIn.contains("# /etc/default/ksm:1: KSM_MAX_KERNEL_PAGES=16\nMaxKernelPages=16\n"))
        #expect(values.sentences[1] == "Kept from /etc/default/ksm: KSM_MAX_KERNEL_PAGES=16 (MaxKernelPages=16).")
    }

    @Test(
        "what cannot be kept is a comment with file, line and reason",
        arguments: [
            ("KSM_THRES_COEF=12.5", #"1: KSM_THRES_COEF: "12.5" is not a whole number; using 20"#),
            ("KSM_NPAGES_MIN=`nproc`", #"1: KSM_NPAGES_MIN: "`" needs a shell, and ksmd executes nothing; using 64"#),
            ("KSM_NAGES_MAX=9", "1: KSM_NAGES_MAX: unknown key, ignored; did you mean KSM_NPAGES_MAX?"),
            (
                "\necho hello",
                #"2: "echo hello" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            // There is no way to write it: the backslash continues the line, and a blank at the end is cut off.
            (#"LOGFILE='/var/log/x\'"#, #"1: LOGFILE: /var/log/x\ cannot be written in ksmd.conf"#),
            ("LOGFILE='/var/log/x '", "1: LOGFILE: /var/log/x  cannot be written in ksmd.conf"),
            // 2^64 bytes are more than a size can be.
            (
                "KSM_THRES_CONST=18014398509481984",
                "1: KSM_THRES_CONST: 16777216T cannot be written in ksmd.conf"
            ),
        ]
    )
    func lost(_ text: String, _ reason: String) {
        let values = OldValues([Self.old(text + "\nDEBUG=1\n")], beside: Self.defaults)
        #expect(values.lost == ["/etc/ksmtuned.conf:" + reason])
        #expect(values.dropIn.hasSuffix("Debug=yes\n\n# Not kept:\n# /etc/ksmtuned.conf:\(reason)\n"))
        #expect(values.kept.map(\.key) == ["Debug"])
    }

    @Test("a comment stays one, whatever stands in the old file")
    func hostile() {
        let values = OldValues(
            [Self.old("LOGFILE='/x\u{1b}[2J'\nKSM_\u{7f}\r[Tuner]\rOnStop=leave\n")],
            beside: Self.defaults
        )
        #expect(values.dropIn.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7f })
        #expect(Configuration.load(sources: [values.source]).settings == Settings())
    }

    @Test("a value that a file of ksmd's own sets otherwise goes on counting")
    func rival() {
        let old = Self.old("KSM_THRES_COEF=30\nKSM_NPAGES_MAX=3000\n")
        let own = Self.native("[Scanner]\nThresholdPercent=40%\nMaximumPages=3000\n")
        let values = OldValues([old], beside: Configuration.load(sources: [own, old]))
        #expect(values.kept.map(\.assignment) == ["MaximumPages=3000"])
        #expect(
            values.lost == [
                "/etc/ksmtuned.conf:1: KSM_THRES_COEF: /etc/ksmd/ksmd.conf:2 sets ThresholdPercent=40%, which goes on"
                    + " counting"
            ]
        )
        let before = Configuration.load(sources: [own, old]).settings
        #expect(Configuration.load(sources: [own, values.source, old]).settings == before)
    }

    @Test("a drop-in of before is no rival")
    func again() {
        let old = Self.old("KSM_THRES_COEF=30\n")
        let before = Source(path: OldValues.path, kind: .dropIn, bytes: Array("[Scanner]\nThresholdPercent=25%\n".utf8))
        let values = OldValues([old], beside: Configuration.load(sources: [before, old]))
        #expect(values.kept.map(\.assignment) == ["ThresholdPercent=30%"])
    }

    @Test("a log that the unit's sandbox does not allow is remarked upon, ksmtuned's own is not")
    func log() {
        let other = OldValues([Self.old("LOGFILE=/srv/ksm.log\n")], beside: Self.defaults)
        #expect(
            other.remarks == [
                "/etc/ksmtuned.conf:1: LOGFILE=/srv/ksm.log: the unit's sandbox allows /var/log/ksmtuned only: for"
                    + " another place see /usr/share/doc/ksmd/examples/log-file.conf"
            ]
        )
        #expect(OldValues([Self.old("LOGFILE=/var/log/ksmtuned\n")], beside: Self.defaults).remarks == [])
    }
}

@Suite("The drop-in means the same as the old files")
struct RoundTripTests {
    /// A small generator whose numbers depend on nothing but the seed (splitmix64).
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    private static let names = [
        "KSM_MONITOR_INTERVAL", "KSM_SLEEP_MSEC", "KSM_NPAGES_BOOST", "KSM_NPAGES_DECAY", "KSM_NPAGES_MIN",
        "KSM_NPAGES_MAX", "KSM_THRES_COEF", "KSM_THRES_CONST", "KSM_PS_METRIC", "KSM_MAX_KERNEL_PAGES", "LOGFILE",
        "DEBUG", "PIDFILE", "KSM_UNKNOWN", "OTHER",
    ]
    private static let values = [
        "60", "1m", "0.5", "1.25", "2h", "1d", "0", "10", "-50", "50", "+7", "0100", "0x10", "300", "3000",
        "4294967295",
        "4294967296", "9223372036854775807", "-9223372036854775808", "2048", "2049", "1048576", "18014398509481983",
        "18014398509481984", "12.5", "100", "1000", "pss", "rsz", "rss", "rssize", "", "yes", "no", "/var/log/ksmtuned",
        "/srv/a b", "/x\\", "/x ", "/ä%=;#", "relative", "$HOME/x", "`nproc`", "$(id)", "x&y",
    ]

    private static func line(_ numbers: inout Numbers) -> String {
        let name = names.randomElement(using: &numbers) ?? ""
        let value = values.randomElement(using: &numbers) ?? ""
        switch Int.random(in: 0..<14, using: &numbers) {
        case 0: return "# \(name)=\(value)"
        case 1: return "\(name)=\"\(value)\""
        case 2, 3: return "\(name)='\(value)'"
        case 4: return "export \(name)=\(value)"
        case 5: return "\(name) = \(value)"
        case 6: return "\(name)=\(value) # as told"
        case 7: return "  \(name)=\(value); DEBUG=1"
        case 8: return "\(name)=\(value)\r"
        case 9: return "\(name)=\\\n\(value)"
        case 10: return "if true; then \(name)=\(value); fi"
        case 11: return ""
        default: return "\(name)=\(value)"
        }
    }

    private static func file(_ numbers: inout Numbers, _ path: String, _ kind: Source.Kind) -> Source {
        let lines = (0..<Int.random(in: 0..<20, using: &numbers)).map { _ in line(&numbers) }
        return Source(path: path, kind: kind, bytes: Array(lines.joined(separator: "\n").utf8))
    }

    /// The settings without what is known not to be writable.
    private static func comparable(_ settings: Settings, _ values: OldValues) -> Settings {
        var settings = settings
        let unwritable = values.lost.filter { $0.hasSuffix(" cannot be written in ksmd.conf") }
        if unwritable.contains(where: { $0.contains(": LOGFILE: ") }) { settings.logFile = nil }
        if unwritable.contains(where: { $0.contains(": KSM_THRES_CONST: ") }) { settings.classic.thresholdKiB = 2048 }
        return settings
    }

    @Test("loaded alone it gives the settings of the old files loaded alone", arguments: 0..<20)
    func roundTrip(_ seed: UInt64) {
        var numbers = Numbers(state: seed)
        for _ in 0..<25 {
            let sources = [
                Self.file(&numbers, "/etc/ksmtuned.conf", .ksmtuned), Self.file(&numbers, "/etc/default/ksm", .ksm),
            ]
            let values = OldValues(sources, beside: Configuration.load(sources: sources))
            let old = Configuration.load(sources: sources).settings
            let new = Configuration.load(sources: [values.source])
            #expect(
                new.settings == Self.comparable(old, values),
                "\(sources.map { String(decoding: $0.bytes, as: UTF8.self) })"
            )
            #expect(new.warnings.allSatisfy { $0.message.hasSuffix("both are kept, and the smallest wins") })
            // Beside the old files, too, which it beats without a difference.
            let both = Configuration.load(sources: [values.source] + sources)
            #expect(both.settings == old)
            #expect(!both.warnings.contains { $0.message.hasPrefix("does not count") })
            #expect(values.isClassic)
            // Every value is kept or named: none is lost in silence.
            #expect(values.kept.count + values.lost.filter { $0.hasSuffix("in ksmd.conf") }.count == Self.set(sources))
        }
    }

    /// How many settings the old files set.
    private static func set(_ sources: [Source]) -> Int {
        Configuration.load(sources: sources).entries.filter { $0.key != "Policy" && $0.origin != .default }.count
    }

    @Test("the generator makes all that is worth a test")
    func generator() {
        var numbers = Numbers(state: 0)
        var kept: Set<String> = []
        var unwritable = 0
        for _ in 0..<400 {
            let sources = [Self.file(&numbers, "/etc/ksmtuned.conf", .ksmtuned)]
            let values = OldValues(sources, beside: Configuration.load(sources: []))
            kept.formUnion(values.kept.map(\.key))
            unwritable += values.lost.filter { $0.hasSuffix("in ksmd.conf") }.count
        }
        #expect(kept.count == ConfigurationKey.all.filter { $0.oldName != nil }.count)
        #expect(unwritable > 0)
    }
}
