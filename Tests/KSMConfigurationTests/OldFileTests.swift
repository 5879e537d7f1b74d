import KSMConfiguration
import KSMModel
import Testing

@Suite("ksmtuned.conf and the ksm files: assignments, read and never executed")
struct OldFileTests {
    @Test(
        "every key of ksmtuned arrives in the settings",
        arguments: [
            Row("KSM_MONITOR_INTERVAL=60") { $0.intervalMilliseconds = 60_000 },
            Row("KSM_MONITOR_INTERVAL=1m") { $0.intervalMilliseconds = 60_000 },
            Row("KSM_MONITOR_INTERVAL=1.5") { $0.intervalMilliseconds = 1500 },
            Row("KSM_MONITOR_INTERVAL=.5h") { $0.intervalMilliseconds = 1_800_000 },
            Row("KSM_MONITOR_INTERVAL=1d") { $0.intervalMilliseconds = 86_400_000 },
            Row("KSM_SLEEP_MSEC=100") { $0.classic.sleepMilliseconds = 100 },
            Row("KSM_SLEEP_MSEC=1") { $0.classic.sleepMilliseconds = 1 },
            Row("KSM_NPAGES_BOOST=2000") { $0.classic.boostPages = 2000 },
            Row("KSM_NPAGES_DECAY=-500") { $0.classic.decayPages = -500 },
            Row("KSM_NPAGES_MIN=200") { $0.classic.minimumPages = 200 },
            Row("KSM_NPAGES_MAX=10000") { $0.classic.maximumPages = 10_000 },
            Row("KSM_THRES_COEF=0") { $0.classic.thresholdPercent = 0 },
            Row("KSM_THRES_COEF=100") { $0.classic.thresholdPercent = 100 },
            Row("KSM_THRES_CONST=8388608") { $0.classic.thresholdKiB = 8_388_608 },
            Row("KSM_PS_METRIC=pss") { $0.guestMetric = .pss },
            Row("KSM_PS_METRIC=pss\nKSM_PS_METRIC=rsz") { $0.guestMetric = .rss },
            Row("LOGFILE=/var/log/ksmtuned") { $0.logFile = "/var/log/ksmtuned" },
            Row("DEBUG=1") { $0.debug = true },
            Row("DEBUG=0") { $0.debug = true },
            Row("PIDFILE=/var/run/x.pid") { _ in },
            Row("KSM_MAX_KERNEL_PAGES=1000") { $0.maxKernelPages = 1000 },
        ]
    )
    func keys(_ row: Row) {
        let configuration = old(row.text + "\n")
        #expect(configuration.settings == settings(row.change))
        #expect(configuration.lines == [])
    }

    @Test(
        "assignments are read as a shell reads them",
        arguments: [
            Row("") { _ in },
            Row("# KSM_NPAGES_BOOST=1\n   # KSM_NPAGES_BOOST=2\n") { _ in },
            Row("KSM_NPAGES_BOOST=1") { $0.classic.boostPages = 1 },
            Row("KSM_NPAGES_BOOST=1\r\nDEBUG=1\r\n") {
                $0.classic.boostPages = 1
                $0.debug = true
            },
            Row("\t export KSM_NPAGES_BOOST=1 DEBUG=1 HOME\n") {
                $0.classic.boostPages = 1
                $0.debug = true
            },
            Row("KSM_NPAGES_BOOST=1 DEBUG=1; KSM_NPAGES_MIN=5;KSM_NPAGES_MAX=6;;") {
                $0.classic.boostPages = 1
                $0.debug = true
                $0.classic.minimumPages = 5
                $0.classic.maximumPages = 6
            },
            Row("KSM_NPAGES_BOOST='1' # comment \\\nDEBUG=\"1\" # it's a \"comment\"\n") {
                $0.classic.boostPages = 1
                $0.debug = true
            },
            Row("KSM_NPAGES_BOOST=1\"2\"'3'\\4") { $0.classic.boostPages = 1234 },
            Row("KSM_NPAGES_BOOST=1\\\n2\\\r\n3") { $0.classic.boostPages = 123 },
            Row("KSM_NPAGES_BOOST=\"1\\\n2\"") { $0.classic.boostPages = 12 },
            Row("KSM_NPAGES_BOOST=\" 12 \"") { $0.classic.boostPages = 12 },
            Row("LOGFILE=/a#b") { $0.logFile = "/a#b" },
            Row("LOGFILE='/a b$c`d;e&f'") { $0.logFile = "/a b$c`d;e&f" },
            Row(#"LOGFILE="/a\"\$\`\\\q""#) { $0.logFile = #"/a"$`\\q"# },
            Row(#"LOGFILE=/a\ b\$"#) { $0.logFile = "/a b$" },
            Row("KSM_NPAGES_BOOST=1\nKSM_NPAGES_BOOST=2") { $0.classic.boostPages = 2 },
            Row("PATH=$PATH:/x HOME=\"$HOME/y\"\nksm_npages_boost=1\nNPAGES=x\n") { _ in },
        ]
    )
    func shell(_ row: Row) {
        let configuration = old(row.text)
        #expect(configuration.settings == settings(row.change))
        #expect(configuration.lines == [])
    }

    @Test(
        "an empty value is the same as none (V31)",
        arguments: [
            "KSM_NPAGES_BOOST=", "KSM_NPAGES_BOOST=''", "KSM_NPAGES_BOOST=5\nKSM_NPAGES_BOOST=\"\"", "DEBUG=",
            "LOGFILE=",
        ]
    )
    func empty(_ text: String) {
        #expect(old(text).settings == Settings())
        #expect(old(text).lines == [])
    }

    @Test(
        "what only a shell could evaluate is one warning and is not evaluated",
        arguments: [
            Warned(
                "KSM_NPAGES_BOOST=$BOOST",
                #"1: KSM_NPAGES_BOOST: "$BOOST" needs a shell, and ksmd executes nothing; using 300"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=$((100*3)) DEBUG=1",
                #"1: KSM_NPAGES_BOOST: "$" needs a shell, and ksmd executes nothing; using 300"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=`nproc`",
                #"1: KSM_NPAGES_BOOST: "`" needs a shell, and ksmd executes nothing; using 300"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=\"${X:-5}\"",
                #"1: KSM_NPAGES_BOOST: "$" needs a shell, and ksmd executes nothing; using 300"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=\"5",
                #"1: KSM_NPAGES_BOOST: "5" has a quote that is not closed on its line; using 300"#
            ),
            Warned(
                "KSM_NPAGES_BOOST='5\\\nDEBUG=",
                #"1: KSM_NPAGES_BOOST: "5\" has a quote that is not closed on its line; using 300"#
            ),
            Warned(
                "X=$(rm -rf /tmp/x); DEBUG=1",
                #"1: X: "$" needs a shell, and ksmd executes nothing; the line is ignored from here on"#
            ),
            Warned(
                "echo hello",
                #"1: "echo hello" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                ". /etc/x",
                #"1: ". /etc/x" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=5 echo x",
                #"1: "KSM_NPAGES_BOOST=5 echo x" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                "[ -e /x ] && KSM_NPAGES_BOOST=5",
                #"1: "[ -e /x ]" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                "KSM_NPAGES_BOOST=5 > /tmp/x",
                #"1: "KSM_NPAGES_BOOST=5" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                "KSM_NPAGES_BOOST+=5",
                #"1: "KSM_NPAGES_BOOST+=5" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned(
                "export -n DEBUG",
                #"1: "export -n DEBUG" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned("KSM_NPAGES_BOOST = 5", "1: KSM_NPAGES_BOOST: no space is allowed around =; the line is ignored"),
            Warned("KSM_NPAGES_BOOST =5", "1: KSM_NPAGES_BOOST: no space is allowed around =; the line is ignored"),
            Warned("KSM_NPAGES_BOOST= 5", "1: KSM_NPAGES_BOOST: no space is allowed around =; the line is ignored"),
            Warned("KSM_NPAGES_BOOST=5\u{0}", "1: KSM_NPAGES_BOOST: has a NUL byte in it; using 300"),
            Warned(
                "KSM_NPAGES_BOOST=5\rDEBUG=1",
                #"1: KSM_NPAGES_BOOST: "5\u{d}DEBUG=1" is not a whole number; using 300"#
            ),
            Warned(
                "'KSM_NPAGES_BOOST=5'",
                #"1: "KSM_NPAGES_BOOST=5" is shell that ksmd does not execute; it reads KEY=value and ignores this"#
            ),
            Warned("\"", #"1: "" is shell that ksmd does not execute; it reads KEY=value and ignores this"#),
        ]
    )
    func notEvaluated(_ row: Warned) {
        let configuration = old(row.text)
        #expect(configuration.lines == ["/etc/ksmtuned.conf:" + row.warning])
        #expect(configuration.settings == Settings())
    }

    @Test("a line that needs a shell does not take the next line with it")
    func nextLine() {
        let configuration = old("LOGFILE=\"/a\nKSM_NPAGES_BOOST=$(x \\\n y)\nKSM_NPAGES_MIN=7\n")
        #expect(configuration.warnings.map(\.line) == [1, 2])
        #expect(configuration.classic.minimumPages == 7)
    }

    @Test(
        "an unknown KSM_ key is a warning that names the right one, the guide's misspellings too",
        arguments: [
            ("KSM_NAGES_MAX", "KSM_NPAGES_MAX"), ("KSM_TRES_COEF", "KSM_THRES_COEF"),
            ("KSM_TRES_CONST", "KSM_THRES_CONST"), ("KSM_NAGES_MIN", "KSM_NPAGES_MIN"),
            ("KSM_NPAGE_BOOST", "KSM_NPAGES_BOOST"), ("KSM_npages_decay", "KSM_NPAGES_DECAY"),
            ("KSM_SLEEP_MSECS", "KSM_SLEEP_MSEC"), ("KSM_MONITOR_INTERVALL", "KSM_MONITOR_INTERVAL"),
        ]
    )
    func misspelt(_ wrong: String, _ right: String) {
        let configuration = old("\n\(wrong)=5\n")
        #expect(configuration.lines == ["/etc/ksmtuned.conf:2: \(wrong): unknown key, ignored; did you mean \(right)?"])
        #expect(configuration.settings == Settings())
    }

    @Test("an unknown KSM_ key that is near none is a warning without advice")
    func unknown() {
        #expect(old("KSM_ZEBRA=5").lines == ["/etc/ksmtuned.conf:1: KSM_ZEBRA: unknown key, ignored"])
    }

    @Test(
        "KSM_MAX_KERNEL_PAGES follows the old ksmctl",
        arguments: [
            ("0", 0), ("1000", 1000), ("0x10", 16), ("0XfF", 255), ("010", 8), ("+5", 5), (" 7", 7),
            ("9223372036854775806", 9_223_372_036_854_775_806),
        ] as [(String, UInt64)]
    )
    func kernelPages(_ text: String, _ pages: UInt64) {
        let configuration = Configuration.load(
            sources: [source("/etc/default/ksm", .ksm, "KSM_MAX_KERNEL_PAGES='\(text)'\n")]
        )
        #expect(configuration.settings.maxKernelPages == pages)
        #expect(configuration.lines == [])
    }

    @Test(
        "a bad KSM_MAX_KERNEL_PAGES is half of memory, with a warning",
        arguments: ["junk", "5x", "09", "0x", "-1", "9223372036854775807", "99999999999999999999", "5.5", "+"]
    )
    func badKernelPages(_ text: String) {
        let configuration = Configuration.load(
            sources: [source("/etc/sysconfig/ksm", .ksm, "KSM_MAX_KERNEL_PAGES=\(text)\n")]
        )
        #expect(configuration.settings.maxKernelPages == nil)
        #expect(
            configuration.lines == [
                #"/etc/sysconfig/ksm:1: KSM_MAX_KERNEL_PAGES: "\#(text)" is not a number of pages; using half of memory"#
            ]
        )
    }

    @Test("an empty or missing KSM_MAX_KERNEL_PAGES is half of memory without a warning")
    func noKernelPages() {
        let configuration = Configuration.load(sources: [source("/etc/default/ksm", .ksm, "KSM_MAX_KERNEL_PAGES=\n")])
        #expect(configuration.settings.maxKernelPages == nil)
        #expect(configuration.lines == [])
    }

    @Test("the ksm files say nothing to the tuner, as before")
    func otherKeysInKsmFile() {
        let text = "KSM_NPAGES_BOOST=5\nDEBUG=1\nLANG=C\n"
        let configuration = Configuration.load(sources: [source("/etc/default/ksm", .ksm, text)])
        #expect(configuration.settings == Settings())
        #expect(
            configuration.lines == [
                "/etc/default/ksm:1: KSM_NPAGES_BOOST: belongs into /etc/ksmtuned.conf; ignored here"
            ]
        )
        #expect(configuration.classicBecauseOf == nil)
    }
}
