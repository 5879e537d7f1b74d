import KSMConfiguration
import KSMModel
import Testing

@Suite("Which file wins, and where each value comes from")
struct PrecedenceTests {
    private let ksmtuned = source("/etc/ksmtuned.conf", .ksmtuned, "DEBUG=1\nKSM_NPAGES_BOOST=500\nKSM_THRES_COEF=30\n")

    @Test("ksmd.conf beats ksmtuned.conf beats the default, in whatever order they are read", arguments: [false, true])
    func ranks(_ reversed: Bool) {
        let main = source("/etc/ksmd/ksmd.conf", .main, "[Scanner]\nBoostPages=700\n")
        let configuration = Configuration.load(sources: reversed ? [ksmtuned, main] : [main, ksmtuned])
        #expect(configuration.classic.boostPages == 700)
        #expect(configuration.classic.thresholdPercent == 30)
        #expect(configuration.classic.decayPages == -50)
        #expect(configuration.entry("BoostPages")?.origin == .line(path: "/etc/ksmd/ksmd.conf", number: 2))
        #expect(configuration.entry("ThresholdPercent")?.origin == .line(path: "/etc/ksmtuned.conf", number: 3))
        #expect(configuration.entry("DecayPages")?.origin == .default)
    }

    @Test("a value of an old file that another one beats is a warning, whoever edits it there sees no effect")
    func beaten() {
        let dropIn = source(
            "/etc/ksmd/ksmd.conf.d/50-ksmtuned.conf",
            .dropIn,
            """
            [Tuner]
            Policy=classic
            Interval=90s
            [Scanner]
            BoostPages=500
            ThresholdPercent=40%
            ThresholdFloor=2M
            MaxKernelPages=16
            [Output]
            LogFile=/var/log/ksmtuned
            Debug=yes
            """
        )
        let ksm = source("/etc/default/ksm", .ksm, "KSM_MAX_KERNEL_PAGES=0x11\n")
        let edited = source(
            "/etc/ksmtuned.conf",
            .ksmtuned,
            """
            KSM_MONITOR_INTERVAL=1.5m
            KSM_NPAGES_BOOST=500
            KSM_THRES_COEF=30
            KSM_THRES_CONST=2048
            DEBUG=1
            LOGFILE=/srv/log
            """
        )
        #expect(
            Configuration.load(sources: [dropIn, edited, ksm]).lines == [
                "/etc/ksmtuned.conf:3: KSM_THRES_COEF: does not count:"
                    + " /etc/ksmd/ksmd.conf.d/50-ksmtuned.conf:6 sets ThresholdPercent=40%",
                "/etc/default/ksm:1: KSM_MAX_KERNEL_PAGES: does not count:"
                    + " /etc/ksmd/ksmd.conf.d/50-ksmtuned.conf:8 sets MaxKernelPages=16",
                "/etc/ksmtuned.conf:6: LOGFILE: does not count:"
                    + " /etc/ksmd/ksmd.conf.d/50-ksmtuned.conf:10 sets LogFile=/var/log/ksmtuned",
            ]
        )
    }

    @Test("a later drop-in beats an earlier one and the main file")
    func dropIns() {
        let configuration = Configuration.load(sources: [
            source("main", .main, "[Scanner]\nBoostPages=1\nDecayPages=-1\n"),
            source("10", .dropIn, "[Scanner]\nBoostPages=2\nMinimumPages=2\n"),
            source("20", .dropIn, "[Scanner]\nMinimumPages=3\n"),
        ])
        #expect(configuration.classic.boostPages == 2)
        #expect(configuration.classic.decayPages == -1)
        #expect(configuration.classic.minimumPages == 3)
        #expect(configuration.entry("MinimumPages")?.origin.description == "20:2")
    }

    @Test("a section of one file does not reach into the next")
    func sectionsEndWithTheFile() {
        let configuration = Configuration.load(sources: [
            source("main", .main, "[Scanner]\n"), source("10", .dropIn, "BoostPages=2\n"),
        ])
        #expect(configuration.lines == ["10:1: BoostPages: stands before any [Section] and is ignored"])
    }

    @Test("an empty assignment takes back what ksmd.conf has set, not what ksmtuned.conf says")
    func emptyAssignment() {
        let configuration = Configuration.load(sources: [
            source("main", .main, "[Scanner]\nBoostPages=1\n"), source("10", .dropIn, "[Scanner]\nBoostPages=\n"),
            ksmtuned,
        ])
        #expect(configuration.classic.boostPages == 500)
        #expect(configuration.entry("BoostPages")?.origin.description == "/etc/ksmtuned.conf:2")
    }

    @Test("a bad value in ksmd.conf leaves the value of ksmtuned.conf in force, and the warning says so")
    func badValueOverOldOne() {
        let main = source("main", .main, "[Scanner]\nBoostPages=x\nThresholdFloor=y\n")
        let configuration = Configuration.load(sources: [main, ksmtuned])
        #expect(
            configuration.lines == [
                #"main:2: BoostPages: "x" is not a whole number; using 500 from /etc/ksmtuned.conf:2"#,
                #"main:3: ThresholdFloor: "y" is not a size; using 2M"#,
            ]
        )
    }

    @Test("a KSM_ variable in ksmtuned.conf is why the policy is classic")
    func classicBecauseOfKsmtuned() {
        let configuration = Configuration.load(sources: [ksmtuned])
        #expect(configuration.settings.policy == .classic)
        #expect(configuration.classicBecauseOf == .line(path: "/etc/ksmtuned.conf", number: 2))
        #expect(configuration.entry("Policy")?.origin == .line(path: "/etc/ksmtuned.conf", number: 2))
    }

    @Test(
        "a ksmtuned.conf that sets no KSM_ variable decides nothing",
        arguments: [
            "", "#KSM_NPAGES_BOOST=1\n", "DEBUG=1\nLOGFILE=/x\n", "KSM_NPAGES_BOOST=\n", "echo KSM_NPAGES_BOOST=1\n",
        ]
    )
    func notBecauseOfKsmtuned(_ text: String) {
        let configuration = old(text)
        #expect(configuration.classicBecauseOf == nil)
        #expect(configuration.entry("Policy")?.origin == .default)
    }

    @Test("a Policy= in ksmd.conf decides, whatever ksmtuned.conf sets")
    func policyIsSet() {
        let main = source("main", .main, "[Tuner]\nPolicy=classic\n")
        let configuration = Configuration.load(sources: [main, ksmtuned])
        #expect(configuration.classicBecauseOf == nil)
        #expect(configuration.entry("Policy")?.origin == .line(path: "main", number: 2))
    }

    @Test("the entries are every key once, in the order of the table, with the value in force")
    func entries() {
        let configuration = old("KSM_MONITOR_INTERVAL=90\nKSM_THRES_CONST=1048576\nDEBUG=1\nKSM_MAX_KERNEL_PAGES=5")
        #expect(configuration.entries.map(\.key) == ConfigurationKey.all.map(\.name))
        #expect(configuration.entries.map(\.section) == ConfigurationKey.all.map(\.section))
        #expect(configuration.entry("Interval")?.value == "1min 30s")
        #expect(configuration.entry("ThresholdFloor")?.value == "1G")
        #expect(configuration.entry("Debug")?.value == "yes")
        #expect(configuration.entry("MaxKernelPages")?.value == "5")
        #expect(native("").entry("Interval")?.value == "1min")
        #expect(native("").entry("Names")?.value == "qemu-system-?* qemu-kvm qemu:?* kvm")
    }

    @Test("what `config show` prints is a configuration that gives the same settings")
    func roundTrip() {
        let configuration = old(
            "KSM_MONITOR_INTERVAL=3601.5\nKSM_THRES_CONST=1000\nKSM_THRES_COEF=7\nDEBUG=1\nLOGFILE=/x\nKSM_PS_METRIC=pss\n"
        )
        var text = ""
        for entry in configuration.entries { text += "[\(entry.section)]\n\(entry.key)=\(entry.value)\n" }
        #expect(native(text).settings == configuration.settings)
        #expect(native(text).lines == [])
    }

    @Test("warnings about unreadable files stand first")
    func fileWarnings() {
        let unreadable = Diagnostic(file: "/etc/default/ksm", message: "cannot be read")
        let configuration = Configuration.load(sources: [source("x", .ksmtuned, "KSM_A=1")], fileWarnings: [unreadable])
        #expect(configuration.lines == ["/etc/default/ksm: cannot be read", "x:1: KSM_A: unknown key, ignored"])
    }

    @Test("no value of the old files touches how merge_across_nodes is managed, whatever it is called")
    func oldFilesKnowNoNUMA() {
        let configuration = old(
            "KSM_MONITOR_INTERVAL=5\nKSM_THRES_COEF=90\nDEBUG=1\nKSM_MERGE_ACROSS_NODES=0\nMergeAcrossNodes=local\n"
        )
        #expect(configuration.settings.numa == NUMAParameters())
        #expect(configuration.settings.classic.thresholdPercent == 90)
        let main = source("main", .main, "[NUMA]\nMergeAcrossNodes=across\n")
        #expect(Configuration.load(sources: [main, ksmtuned]).settings.numa.scope == .across)
    }
}
