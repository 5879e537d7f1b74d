import KSMConfiguration
import KSMModel
import Testing

@Suite("Hostile files: nothing traps, nothing takes long, warnings stay few and short")
struct HostileInputTests {
    /// A file and its name in the list of arguments.
    struct File: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var bytes: [UInt8]

        init(_ name: String, _ bytes: [UInt8]) {
            testDescription = name
            self.bytes = bytes
        }

        init(_ name: String, _ text: String, times: Int = 1) {
            self.init(name, Array(String(repeating: text, count: times).utf8))
        }
    }

    static let files: [File] = [
        File("nothing", ""), File("one [", "["), File("one =", "="), File("one backslash", "\\"),
        File("one quote", "\""),
        File("one NUL", "\0"), File("one carriage return", "\r"), File("half a byte order mark", [0xef, 0xbb]),
        File("256 KB of [", "[", times: 1 << 18), File("256 KB of =", "=", times: 1 << 18),
        File("256 KB of backslashes", "\\", times: 1 << 18), File("256 KB of quotes", "\"", times: (1 << 18) + 1),
        File("256 KB of apostrophes", "'", times: (1 << 18) + 1), File("256 KB of $", "$", times: 1 << 18),
        File("256 KB of backquotes", "`", times: 1 << 18), File("256 KB of ;", ";", times: 1 << 18),
        File("256 KB of blanks", " ", times: 1 << 18), File("256 KB of carriage returns", "\r", times: 1 << 18),
        File("256 KB of newlines", "\n", times: 1 << 18), File("256 KB of NUL", [UInt8](repeating: 0, count: 1 << 18)),
        File("256 KB of 0xff", [UInt8](repeating: 0xff, count: 1 << 18)),
        File("256 KB of digits", "[Scanner]\nKSM_NPAGES_BOOST=" + String(repeating: "9", count: 1 << 18)),
        File("256 KB of number", "[Scanner]\nBoostPages=" + String(repeating: "9", count: 1 << 18)),
        File("256 KB of fraction", "[Tuner]\nInterval=1." + String(repeating: "9", count: 1 << 18) + "x"),
        File("a line of 1 MB", "[Tuner]\nPolicy=" + String(repeating: "classic ", count: 1 << 17)),
        File("256 Ki continued lines", "\\\n", times: 1 << 18),
        File("a quarter of a million continued lines with a comment between each", "a\\\n#\n", times: 1 << 18),
        File("continued lines of CRLF", "a \\\r\n", times: 1 << 18),
        File("unknown keys", "KSM_NPAGES_BOOSTER=1\n", times: 1 << 16),
        File("unknown sections", "[Tunes]\n", times: 1 << 17),
        File("bad values", "KSM_NPAGES_BOOST=x\n", times: 1 << 16),
        File("words", "a ", times: 1 << 19), File("assignments on one line", "A=1 ", times: 1 << 18),
        File("open quotes", "A='\n", times: 1 << 18),
        File("combining marks", "[Tuner]\nInterval=5" + String(repeating: "\u{301}", count: 1 << 19)),
        File("every byte", (0...255).flatMap { (byte: UInt8) in [byte, 0x0a] }),
        File("every pair of awkward bytes", awkwardPairs()),
    ]

    private static func awkwardPairs() -> [UInt8] {
        let bytes = Array("[]=\\\"'$`;#&|<>() \t\r\nA1_".utf8) + [0, 0x7f, 0xc3, 0xff]
        return bytes.flatMap { first in bytes.flatMap { second in [0x41, first, second, 0x0a] } }
    }

    @Test("a hostile file is survived in linear time", arguments: files, [Source.Kind.main, .ksmtuned])
    func survives(_ file: File, _ kind: Source.Kind) {
        let clock = ContinuousClock()
        let start = clock.now
        let configuration = Configuration.load(sources: [Source(path: "f", kind: kind, bytes: file.bytes)])
        // Generous for an unoptimised build on a busy machine; a quadratic parser needs hours for a megabyte.
        #expect(clock.now - start < .seconds(30))
        #expect(configuration.warnings.count <= 101)
        for line in configuration.lines {
            #expect(line.utf8.count < 1000)
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
        }
    }

    @Test(
        "a bad line does not hide the good one after it",
        arguments: [
            "nonsense", "=", "[Scanner", "A\u{0}B=1", "BoostPages=\u{0}", "\"", "\\\\",
            "BoostPages=99999999999999999999",
        ]
    )
    func goodLineAfterBadOne(_ bad: String) {
        let configuration = native("[Scanner]\n\(bad)\n[Scanner]\nBoostPages=7\n")
        #expect(configuration.classic.boostPages == 7)
        #expect(configuration.warnings.count == 1)
    }

    @Test("every cut of a good file is survived, and read as far as it goes")
    func everyCut() {
        let text = "[Scanner]\r\nBoostPages=\\\r\n 77\r\n# x\r\n[Guests]\r\nNames=\u{e9}\u{1f600} b\r\n"
        let bytes = Array(text.utf8)
        for length in 0...bytes.count {
            for kind in [Source.Kind.main, .ksmtuned] {
                let cut = Array(bytes[..<length])
                let configuration = Configuration.load(sources: [Source(path: "f", kind: kind, bytes: cut)])
                #expect(kind == .ksmtuned || [300, 7, 77].contains(configuration.classic.boostPages))
            }
        }
    }

    @Test("ten megabytes are read to the end")
    func tenMegabytes() {
        var bytes = Array("[Scanner]\n".utf8)
        let filler = Array("# nothing to see here, and a good deal of it, for a very long time\n".utf8)
        while bytes.count < 10 << 20 { bytes += filler }
        bytes += Array("BoostPages=7".utf8)
        let configuration = Configuration.load(sources: [Source(path: "f", kind: .main, bytes: bytes)])
        #expect(configuration.classic.boostPages == 7)
        #expect(configuration.lines == [])
    }

    @Test("a hundred thousand warnings cost a hundred and one")
    func manyWarnings() {
        let bytes = Array(String(repeating: "KSM_X=1\n", count: 1 << 17).utf8)
        let configuration = Configuration.load(sources: [Source(path: "f", kind: .ksmtuned, bytes: bytes)])
        #expect(configuration.lines.last == "f: \((1 << 17) - 100) more warnings are not shown")
    }

    @Test("a file's name cannot forge a line of output")
    func fileName() {
        let configuration = Configuration.load(
            sources: [Source(path: "/etc/ksmd/ksmd.conf.d/a\nb\u{1b}[0m.conf", kind: .dropIn, bytes: Array("x".utf8))]
        )
        #expect(
            configuration.lines == [
                #"/etc/ksmd/ksmd.conf.d/a\nb\u{1b}[0m.conf:1: "x" is not an assignment (Key=value) and is ignored"#
            ]
        )
    }
}
