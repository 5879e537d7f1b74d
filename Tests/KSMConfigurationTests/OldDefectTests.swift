import KSMConfiguration
import KSMModel
import Testing

/// What the script made of values that are no plain numbers, and what ksmd makes of them.
@Suite("The parsing defects of ksmtuned are not reproduced")
struct OldDefectTests {
    @Test("B04: a fraction in KSM_THRES_COEF left the threshold empty; it is a warning, and 20 is used")
    func fraction() {
        let configuration = old("KSM_THRES_COEF=12.5\n")
        #expect(configuration.classic.thresholdPercent == 20)
        #expect(
            configuration.lines == [#"/etc/ksmtuned.conf:1: KSM_THRES_COEF: "12.5" is not a whole number; using 20"#]
        )
    }

    @Test("B05: a word in KSM_NPAGES_BOOST counted as 0; it is a warning, and 300 is used")
    func word() {
        let configuration = old("KSM_NPAGES_BOOST=fast\n")
        #expect(configuration.classic.boostPages == 300)
        #expect(
            configuration.lines == [#"/etc/ksmtuned.conf:1: KSM_NPAGES_BOOST: "fast" is not a whole number; using 300"#]
        )
    }

    @Test("B06: a unit in KSM_THRES_CONST switched the floor off; it is a warning, and 2048 is used")
    func unit() {
        let configuration = old("KSM_THRES_CONST=2048M\n")
        #expect(configuration.classic.thresholdKiB == 2048)
        #expect(
            configuration.lines == [
                #"/etc/ksmtuned.conf:1: KSM_THRES_CONST: "2048M" is not a whole number; using 2048"#
            ]
        )
    }

    @Test("B07: a leading zero made KSM_NPAGES_BOOST octal; 0100 is 100")
    func octal() {
        let configuration = old("KSM_NPAGES_BOOST=0100\n")
        #expect(configuration.classic.boostPages == 100)
        #expect(configuration.lines == [])
    }

    @Test("B08: KSM_NPAGES_MAX=0100 went to the kernel with its zero; it is the number 100")
    func leadingZero() {
        let configuration = old("KSM_NPAGES_MAX=0100\n")
        #expect(configuration.classic.maximumPages == 100)
        #expect(configuration.entry("MaximumPages")?.value == "100")
        #expect(configuration.lines == [])
    }

    @Test("B09: a negative KSM_NPAGES_MIN let pages_to_scan go below zero; it is a warning, and 64 is used")
    func negative() {
        let configuration = old("KSM_NPAGES_MIN=-100\n")
        #expect(configuration.classic.minimumPages == 64)
        #expect(
            configuration.lines == [
                #"/etc/ksmtuned.conf:1: KSM_NPAGES_MIN: "-100" is not between 0 and 4294967295; using 64"#
            ]
        )
    }

    @Test("B10: the name of a variable was evaluated; it is a warning, and 300 is used")
    func variable() {
        let configuration = old("KSM_NPAGES_BOOST=total\n")
        #expect(configuration.classic.boostPages == 300)
        #expect(
            configuration.lines == [
                #"/etc/ksmtuned.conf:1: KSM_NPAGES_BOOST: "total" is not a whole number; using 300"#
            ]
        )
    }

    @Test(
        "an interval below a second was a busy loop; it is a warning, and 60 is used",
        arguments: ["0", "0.5", "0.999", "1441m", "2d", "99999999999999999999"]
    )
    func interval(_ text: String) {
        let configuration = old("KSM_MONITOR_INTERVAL=\(text)\n")
        #expect(configuration.settings.effectiveIntervalMilliseconds == 60_000)
        #expect(
            configuration.lines == [
                #"/etc/ksmtuned.conf:1: KSM_MONITOR_INTERVAL: "\#(text)" is not between 1 and 86400 seconds; using 60"#
            ]
        )
    }

    @Test("an interval that is none is a warning", arguments: ["fast", "5 m", "5min", "-5", "1e2", "."])
    func notAnInterval(_ text: String) {
        let configuration = old("KSM_MONITOR_INTERVAL='\(text)'\n")
        #expect(configuration.settings == Settings())
        #expect(
            configuration.lines == [
                #"/etc/ksmtuned.conf:1: KSM_MONITOR_INTERVAL: "\#(text)" is not a number of seconds; using 60"#
            ]
        )
    }

    @Test("V29: MIN above MAX is kept, with a warning: MIN wins")
    func minimumAboveMaximum() {
        let configuration = old("KSM_NPAGES_MIN=2000\nKSM_NPAGES_MAX=1000\n")
        #expect(configuration.classic.minimumPages == 2000)
        #expect(configuration.classic.maximumPages == 1000)
        #expect(configuration.warnings.map(\.key) == ["KSM_NPAGES_MAX"])
    }

    @Test("V30: a positive KSM_NPAGES_DECAY is allowed")
    func positiveDecay() {
        let configuration = old("KSM_NPAGES_DECAY=50\n")
        #expect(configuration.classic.decayPages == 50)
        #expect(configuration.lines == [])
    }

    @Test(
        "KSM_PS_METRIC and LOGFILE say what they take",
        arguments: [
            Warned("KSM_PS_METRIC=vsz", #"1: KSM_PS_METRIC: "vsz" is neither pss nor rsz; using rsz"#),
            Warned("LOGFILE=ksm.log", #"1: LOGFILE: "ksm.log" is not an absolute path; using standard error"#),
        ]
    )
    func others(_ row: Warned) {
        #expect(old(row.text).lines == ["/etc/ksmtuned.conf:" + row.warning])
    }
}
