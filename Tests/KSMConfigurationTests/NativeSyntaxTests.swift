import KSMConfiguration
import KSMModel
import Testing

@Suite("ksmd.conf: systemd's syntax")
struct NativeSyntaxTests {
    @Test(
        "sections, comments, continued lines, blanks and line ends are read as systemd reads them",
        arguments: [
            Row("") { _ in },
            Row("\n\n \t\n") { _ in },
            Row("# [Scanner]\n; BoostPages=1\n  # x\n") { _ in },
            Row("[Scanner]\nBoostPages=1") { $0.classic.boostPages = 1 },
            Row("[Scanner]\r\nBoostPages=1\r\n") { $0.classic.boostPages = 1 },
            Row("\u{feff}[Scanner]\nBoostPages=1\n") { $0.classic.boostPages = 1 },
            Row("  [Scanner]  \n\t BoostPages \t=  1  \n") { $0.classic.boostPages = 1 },
            Row("[Scanner]\nBoostPages=\\\n1\n") { $0.classic.boostPages = 1 },
            Row("[Scanner]\nBoostPages=\\\r\n1\r\n") { $0.classic.boostPages = 1 },
            Row("[Scanner]\nBoostPages=1\\\n") { $0.classic.boostPages = 1 },
            Row("[Scanner]\nBoostPages=1\\") { $0.classic.boostPages = 1 },
            Row("[Guests]\nNames=a \\\n# a comment in between\n; and another\\\n  b \\\n\n") {
                $0.guestNames = ["a", "b"]
            },
            Row("[Guests]\nNames=a\\\nb") { $0.guestNames = ["a", "b"] },
            Row("[Guests]\nNames=a\\\\\nMemoryMetric=pss") {
                $0.guestNames = [#"a\\"#]
                $0.guestMetric = .pss
            },
            Row("[Scanner]\nBoostPages=1\n[Output]\nDebug=yes\n[Scanner]\nBoostPages=2") {
                $0.classic.boostPages = 2
                $0.debug = true
            },
            Row("[Output]\nLogFile=/a=b#c;d\n") { $0.logFile = "/a=b#c;d" },
            Row("[NUMA]\n[Adaptive]\n") { _ in },
            Row("[X-Site]\nOwner=me\n[Tuner]\nX-Ticket=5\n") { _ in },
            Row("# caf\u{e9} in a comment\n[Scanner]\nBoostPages=1") { $0.classic.boostPages = 1 },
        ]
    )
    func syntax(_ row: Row) {
        let configuration = native(row.text)
        #expect(configuration.settings == settings(row.change))
        #expect(configuration.lines == [])
    }

    @Test("the last assignment wins, and an empty one goes back to the default")
    func lastWins() {
        #expect(native("[Scanner]\nBoostPages=1\nBoostPages=2\n").classic.boostPages == 2)
        let emptied = native("[Scanner]\nBoostPages=1\nBoostPages=\n[Guests]\nNames=x\nNames=  \n")
        #expect(emptied.settings == Settings())
        #expect(emptied.lines == [])
        #expect(emptied.entry("BoostPages")?.origin == .default)
    }

    @Test(
        "what is no assignment of a known key is one warning and changes nothing",
        arguments: [
            Warned("BoostPages=1", "1: BoostPages: stands before any [Section] and is ignored"),
            Warned("[Scanner]\nBoostPages", #"2: "BoostPages" is not an assignment (Key=value) and is ignored"#),
            Warned("[Scanner]\n=5", "2: there is no key before =; the line is ignored"),
            Warned("[Scanner]\n=", "2: there is no key before =; the line is ignored"),
            Warned("[", #"1: "[" is not a section header; what follows up to the next one is ignored"#),
            Warned("[]", #"1: "[]" is not a section header; what follows up to the next one is ignored"#),
            Warned(
                "[Scanner\nBoostPages=1\nnonsense",
                #"1: "[Scanner" is not a section header; what follows up to the next one is ignored"#
            ),
            Warned("[Mars]\nBoostPages=1\nnonsense", "1: [Mars] is an unknown section and is ignored"),
            Warned("[scanner]", "1: [scanner] is an unknown section and is ignored; did you mean [Scanner]?"),
            Warned("[Scaner]", "1: [Scaner] is an unknown section and is ignored; did you mean [Scanner]?"),
            Warned("[Tuner]\nZebra=1", "2: Zebra: unknown key in [Tuner], ignored"),
            Warned("[Tuner]\nIntervall=5", "2: Intervall: unknown key in [Tuner], ignored; did you mean Interval=?"),
            Warned("[Tuner]\nonstop=stop", "2: onstop: unknown key in [Tuner], ignored; did you mean OnStop=?"),
            Warned(
                "[Guests]\nInterval=5",
                "2: Interval: unknown key in [Guests], ignored; did you mean Interval= in [Tuner]?"
            ),
            Warned(
                "[Scanner]\nKSM_NPAGES_BOOST=5",
                "2: KSM_NPAGES_BOOST: unknown key in [Scanner], ignored; did you mean BoostPages= in [Scanner]?"
            ),
            Warned("[Scanner]\nBoostPages=1\u{0}\n", "2: the line has a NUL byte in it and is ignored"),
            Warned("[Scanner]\n\u{0}", "2: the line has a NUL byte in it and is ignored"),
            Warned("\\\\\\\\", #"1: "\\\\" is not an assignment (Key=value) and is ignored"#),
            Warned("[Scanner]\nA\u{1b}[31mB=5", #"2: A\u{1b}[31mB: unknown key in [Scanner], ignored"#),
        ]
    )
    func noAssignment(_ row: Warned) {
        let configuration = native(row.text)
        #expect(configuration.lines == ["/etc/ksmd/ksmd.conf:" + row.warning])
        #expect(configuration.settings == Settings())
    }

    @Test("a continued line is reported by its first line, and the lines after it by their own")
    func lineNumbers() {
        let configuration = native("[Scanner]\n\nBoostPages=\\\n# comment\nx\nDecayPages=y\n")
        #expect(configuration.warnings.map(\.line) == [3, 6])
    }

    @Test("bytes that are not UTF-8 cost their line a warning, in a comment nothing")
    func notUTF8() {
        let bytes =
            Array("[Scanner]\n# caf".utf8) + [0xe9, 0x0a] + Array("BoostPages=".utf8) + [0xff, 0x0a]
            + Array("DecayPages=-1\n".utf8)
        let configuration = Configuration.load(sources: [Source(path: "x.conf", kind: .main, bytes: bytes)])
        #expect(configuration.lines == ["x.conf:3: the line is not valid UTF-8 and is ignored"])
        #expect(configuration.classic.decayPages == -1)
        #expect(configuration.classic.boostPages == 300)
    }

    @Test("a hundred warnings are kept, and one counts the rest")
    func manyWarnings() {
        let configuration = native("[Scanner]\n" + String(repeating: "Nonsense\n", count: 250))
        #expect(configuration.warnings.count == 101)
        #expect(configuration.warnings[99].line == 101)
        #expect(configuration.lines.last == "/etc/ksmd/ksmd.conf: 150 more warnings are not shown")
        #expect(native("[Scanner]\n" + String(repeating: "Nonsense\n", count: 100)).warnings.count == 100)
    }
}
