import KSMConfiguration
import KSMModel
import Testing

@Suite("ksmd.conf: what its keys do")
struct NativeFileTests {
    @Test(
        "a value arrives in the settings",
        arguments: [
            Row("[Tuner]\nPolicy=classic") { _ in },
            Row("[Tuner]\nInterval=90") { $0.intervalMilliseconds = 90_000 },
            Row("[Tuner]\nInterval=30s") { $0.intervalMilliseconds = 30_000 },
            Row("[Tuner]\nInterval=1h 30min") { $0.intervalMilliseconds = 5_400_000 },
            Row("[Tuner]\nInterval=1h30min 5 sec") { $0.intervalMilliseconds = 5_405_000 },
            Row("[Tuner]\nInterval=1.5min") { $0.intervalMilliseconds = 90_000 },
            Row("[Tuner]\nInterval=2500ms") { $0.intervalMilliseconds = 2500 },
            Row("[Tuner]\nInterval=1s") { $0.intervalMilliseconds = 1000 },
            Row("[Tuner]\nInterval=24h") { $0.intervalMilliseconds = 86_400_000 },
            Row("[Tuner]\nInterval=auto") { _ in },
            Row("[Tuner]\nOnStop=stop") { $0.onStop = .stop },
            Row("[Tuner]\nOnStop=leave") { $0.onStop = .leave },
            Row("[Tuner]\nForeignWrites=retake") { $0.foreignWrites = .retake },
            Row("[Tuner]\nAdvisor=keep") { $0.advisor = .keep },
            Row("[NUMA]\nMergeAcrossNodes=local") { $0.numa.scope = .local },
            Row("[NUMA]\nMergeAcrossNodes=across") { $0.numa.scope = .across },
            Row("[NUMA]\nMergeAcrossNodes=leave") { $0.numa.scope = .leave },
            Row("[NUMA]\nMergeAcrossNodes=leave\nMergeAcrossNodes=auto") { _ in },
            Row("[NUMA]\nNearDistance=10") { $0.numa.nearDistance = 10 },
            Row("[NUMA]\nNearDistance=254") { $0.numa.nearDistance = 254 },
            Row("[NUMA]\nAcrossGain=0") { $0.numa.acrossGainPercent = 0 },
            Row("[NUMA]\nAcrossGain=7") { $0.numa.acrossGainPercent = 7 },
            Row("[NUMA]\nAcrossGain=7%") { $0.numa.acrossGainPercent = 7 },
            Row("[NUMA]\nAcrossGain=7 %") { $0.numa.acrossGainPercent = 7 },
            Row("[NUMA]\nAcrossGain=100%") { $0.numa.acrossGainPercent = 100 },
            Row("[NUMA]\nAutoUnmerge=yes") { $0.numa.autoUnmerge = true },
            Row("[NUMA]\nScopeDwell=0") { $0.numa.scopeDwellMilliseconds = 0 },
            Row("[NUMA]\nScopeDwell=2h 30min") { $0.numa.scopeDwellMilliseconds = 9_000_000 },
            Row("[NUMA]\nScopeDwell=30 days") { $0.numa.scopeDwellMilliseconds = 2_592_000_000 },
            Row("[NUMA]\nCalmDwell=90") { $0.numa.calmDwellMilliseconds = 90_000 },
            Row("[NUMA]\nMaxGuestStall=10ms") { $0.numa.maxGuestStallMilliseconds = 10 },
            Row("[NUMA]\nMaxGuestStall=1.5s") { $0.numa.maxGuestStallMilliseconds = 1500 },
            Row("[NUMA]\nMaxGuestStall=10s") { $0.numa.maxGuestStallMilliseconds = 10_000 },
            Row("[Guests]\nNames=kvm  qemu-*\tvmm") { $0.guestNames = ["kvm", "qemu-*", "vmm"] },
            Row("[Guests]\nMemoryMetric=pss") { $0.guestMetric = .pss },
            Row("[Scanner]\nBoostPages=500") { $0.classic.boostPages = 500 },
            Row("[Scanner]\nDecayPages=-7") { $0.classic.decayPages = -7 },
            Row("[Scanner]\nMinimumPages=0") { $0.classic.minimumPages = 0 },
            Row("[Scanner]\nMaximumPages=4294967295") { $0.classic.maximumPages = 4_294_967_295 },
            Row("[Scanner]\nSleepMilliseconds=20") { $0.classic.sleepMilliseconds = 20 },
            Row("[Scanner]\nThresholdPercent=35") { $0.classic.thresholdPercent = 35 },
            Row("[Scanner]\nThresholdPercent=100%") { $0.classic.thresholdPercent = 100 },
            Row("[Scanner]\nThresholdFloor=1G") { $0.classic.thresholdKiB = 1_048_576 },
            Row("[Scanner]\nThresholdFloor=1.5M") { $0.classic.thresholdKiB = 1536 },
            Row("[Scanner]\nThresholdFloor=4096") { $0.classic.thresholdKiB = 4 },
            Row("[Scanner]\nMaxKernelPages=0") { $0.maxKernelPages = 0 },
            Row("[Scanner]\nMaxKernelPages=0100") { $0.maxKernelPages = 100 },
            Row("[Output]\nLogFile=/var/log/my log") { $0.logFile = "/var/log/my log" },
            Row("[Output]\nDebug=on") { $0.debug = true },
        ]
    )
    func valueArrives(_ row: Row) {
        let configuration = native(row.text)
        #expect(configuration.settings == settings(row.change))
        #expect(configuration.lines == [])
    }

    @Test("every word that systemd takes for yes is yes", arguments: ["1", "yes", "y", "TRUE", "t", "On"])
    func yes(_ word: String) {
        #expect(native("[Output]\nDebug=\(word)").settings.debug)
    }

    @Test("every word that systemd takes for no is no", arguments: ["0", "no", "N", "false", "f", "oFF"])
    func no(_ word: String) {
        let configuration = native("[Output]\nDebug=yes\nDebug=\(word)")
        #expect(!configuration.settings.debug)
        #expect(configuration.lines == [])
    }

    @Test(
        "a bad value is one warning that says what is used instead",
        arguments: [
            Warned("[Tuner]\nPolicy=fast", #"2: Policy: "fast" is not classic; using classic"#),
            Warned("[Tuner]\nInterval=0", #"2: Interval: "0" is not between 1s and 24h; using 1min"#),
            Warned("[Tuner]\nInterval=999ms", #"2: Interval: "999ms" is not between 1s and 24h; using 1min"#),
            Warned("[Tuner]\nInterval=86401s", #"2: Interval: "86401s" is not between 1s and 24h; using 1min"#),
            Warned(
                "[Tuner]\nInterval=99999999999999999999 weeks",
                #"2: Interval: "99999999999999999999 weeks" is not between 1s and 24h; using 1min"#
            ),
            Warned(
                "[Tuner]\nInterval=-5",
                #"2: Interval: "-5" is not a time span such as 30s, 5min or 1h 30min; using 1min"#
            ),
            Warned(
                "[Tuner]\nInterval=5 parsecs",
                #"2: Interval: "5 parsecs" is not a time span such as 30s, 5min or 1h 30min; using 1min"#
            ),
            Warned(
                "[Tuner]\nOnStop=Restore",
                #"2: OnStop: "Restore" is not one of restore, stop, leave; using restore"#
            ),
            Warned(
                "[Tuner]\nForeignWrites=yes",
                #"2: ForeignWrites: "yes" is not one of respect, retake; using respect"#
            ),
            Warned("[Tuner]\nAdvisor=scan-time", #"2: Advisor: "scan-time" is not one of take, keep; using take"#),
            Warned(
                "[NUMA]\nMergeAcrossNodes=1",
                #"2: MergeAcrossNodes: "1" is not one of auto, local, across, leave; using auto"#
            ),
            Warned("[NUMA]\nNearDistance=9", #"2: NearDistance: "9" is not between 10 and 254; using 12"#),
            Warned("[NUMA]\nNearDistance=255", #"2: NearDistance: "255" is not between 10 and 254; using 12"#),
            Warned("[NUMA]\nNearDistance=near", #"2: NearDistance: "near" is not a whole number; using 12"#),
            Warned("[NUMA]\nAcrossGain=101%", #"2: AcrossGain: "101%" is not between 0 and 100; using 5%"#),
            Warned("[NUMA]\nAcrossGain=-1", #"2: AcrossGain: "-1" is not between 0 and 100; using 5%"#),
            Warned("[NUMA]\nAcrossGain=2.5%", #"2: AcrossGain: "2.5%" is not a whole number; using 5%"#),
            Warned("[NUMA]\nAutoUnmerge=perhaps", #"2: AutoUnmerge: "perhaps" is neither yes nor no; using no"#),
            Warned("[NUMA]\nScopeDwell=721h", #"2: ScopeDwell: "721h" is not between 0 and 720h; using 1h"#),
            Warned(
                "[NUMA]\nCalmDwell=soon",
                #"2: CalmDwell: "soon" is not a time span such as 30s, 5min or 1h 30min; using 30min"#
            ),
            Warned(
                "[NUMA]\nMaxGuestStall=9ms",
                #"2: MaxGuestStall: "9ms" is not between 10ms and 10s; using 200ms"#
            ),
            Warned(
                "[NUMA]\nMaxGuestStall=10001ms",
                #"2: MaxGuestStall: "10001ms" is not between 10ms and 10s; using 200ms"#
            ),
            Warned("[Guests]\nMemoryMetric=rsz", #"2: MemoryMetric: "rsz" is not one of rss, pss; using rss"#),
            Warned(
                "[Scanner]\nBoostPages=-1",
                #"2: BoostPages: "-1" is not between 0 and 9223372036854775807; using 300"#
            ),
            Warned("[Scanner]\nBoostPages=12.5", #"2: BoostPages: "12.5" is not a whole number; using 300"#),
            Warned("[Scanner]\nBoostPages=0x10", #"2: BoostPages: "0x10" is not a whole number; using 300"#),
            Warned("[Scanner]\nBoostPages=--1", #"2: BoostPages: "--1" is not a whole number; using 300"#),
            Warned("[Scanner]\nBoostPages=+", #"2: BoostPages: "+" is not a whole number; using 300"#),
            Warned("[Scanner]\nBoostPages=3 4", #"2: BoostPages: "3 4" is not a whole number; using 300"#),
            Warned("[Scanner]\nBoostPages=٣", #"2: BoostPages: "٣" is not a whole number; using 300"#),
            Warned(
                "[Scanner]\nDecayPages=-9223372036854775809",
                #"2: DecayPages: "-9223372036854775809" is not between -9223372036854775808 and 9223372036854775807; "#
                    + "using -50"
            ),
            Warned(
                "[Scanner]\nMaximumPages=4294967296",
                #"2: MaximumPages: "4294967296" is not between 0 and 4294967295; using 1250"#
            ),
            Warned(
                "[Scanner]\nThresholdPercent=20 %%",
                #"2: ThresholdPercent: "20 %%" is not a whole number; using 20%"#
            ),
            Warned(
                "[Scanner]\nThresholdPercent=1001",
                #"2: ThresholdPercent: "1001" is not between 0 and 1000; using 20%"#
            ),
            Warned(
                "[Scanner]\nThresholdFloor=2 MiB",
                #"2: ThresholdFloor: "2 MiB" is not a size: a number with or without K, M, G or T is; using 2M"#
            ),
            Warned("[Scanner]\nThresholdFloor=lots", #"2: ThresholdFloor: "lots" is not a size; using 2M"#),
            Warned(
                "[Scanner]\nThresholdFloor=99999999999P",
                #"2: ThresholdFloor: "99999999999P" is too large; using 2M"#
            ),
            Warned("[Scanner]\nMaxKernelPages=all", #"2: MaxKernelPages: "all" is not a whole number; using auto"#),
            Warned(
                "[Output]\nLogFile=ksm.log",
                #"2: LogFile: "ksm.log" is not an absolute path; using standard error"#
            ),
            Warned("[Output]\nDebug=maybe", #"2: Debug: "maybe" is neither yes nor no; using no"#),
        ]
    )
    func badValue(_ row: Warned) {
        let configuration = native(row.text)
        #expect(configuration.lines == ["/etc/ksmd/ksmd.conf:" + row.warning])
        #expect(configuration.settings == Settings())
    }

    @Test("a bad value counts as not written: what was set before stays, and the warning says so")
    func badValueAfterGoodOne() {
        let configuration = native("[Scanner]\nBoostPages=500\nBoostPages=fast\n")
        #expect(configuration.classic.boostPages == 500)
        #expect(
            configuration.lines == [
                #"/etc/ksmd/ksmd.conf:3: BoostPages: "fast" is not a whole number; using 500 from /etc/ksmd/ksmd.conf:2"#
            ]
        )
    }

    @Test("a name that no process can have is taken with a warning")
    func hopelessName() {
        let configuration = native("[Guests]\nNames=qemu-system-x86_64 kvm")
        #expect(configuration.settings.guestNames == ["qemu-system-x86_64", "kvm"])
        #expect(
            configuration.lines == [
                #"/etc/ksmd/ksmd.conf:2: Names: "qemu-system-x86_64" is longer than the 15 characters that the kernel "#
                    + #"keeps of a process name and will match nothing; write "qemu-system-x86""#
            ]
        )
        #expect(native("[Guests]\nNames=qemu-system-x86_6* qemu-system-x86").lines == [])
    }

    @Test("too many and too long patterns are refused", arguments: [65, 100_000])
    func tooManyNames(_ count: Int) {
        let many = native("[Guests]\nNames=" + String(repeating: "kvm ", count: count))
        #expect(many.settings.guestNames == Settings().guestNames)
        #expect(many.warnings.count == 1)
        let long = native("[Guests]\nNames=" + String(repeating: "*", count: count * 4))
        #expect(long.settings.guestNames == Settings().guestNames)
        #expect(long.warnings.count == 1)
    }

    @Test("a smallest batch above the largest is kept with one warning (the smallest wins, V29)")
    func minimumAboveMaximum() {
        let configuration = native("[Scanner]\nMinimumPages=2000\nMaximumPages=1000\n")
        #expect(configuration.classic.minimumPages == 2000)
        #expect(configuration.classic.maximumPages == 1000)
        #expect(
            configuration.lines == [
                "/etc/ksmd/ksmd.conf:3: MaximumPages: the smallest batch (2000 pages) is above the largest (1000); "
                    + "both are kept, and the smallest wins"
            ]
        )
        #expect(native("[Scanner]\nMinimumPages=1251").lines.count == 1)
        #expect(native("[Scanner]\nMinimumPages=1250").lines.isEmpty)
    }
}
