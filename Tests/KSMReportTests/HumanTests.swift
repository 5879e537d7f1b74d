import KSMReport
import Testing

@Suite("Numbers for people")
struct HumanTests {
    static let sizeRows: [(UInt64, String)] = [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (512 << 20, "512 MiB"),
        (3 << 29, "1.5 GiB"), (102_348, "99.9 KiB"), (102_400, "100 KiB"), (102_398, "100 KiB"),
        ((1 << 30) - 1, "1.0 GiB"), (1023 << 20, "1023 MiB"), ((1 << 60) - 1, "1.0 EiB"), (.max, "16.0 EiB"),
    ]

    @Test(
        "Sizes are rounded, in powers of 1024",
        arguments: HumanTests.sizeRows
    )
    func sizes(bytes: UInt64, expected: String) {
        #expect(Human.size(bytes) == expected)
    }

    @Test(
        "Negative sizes carry a minus",
        arguments: [(Int64(-16_777_216), "-16.0 MiB"), (.min, "-8.0 EiB"), (0, "0 B")]
    )
    func signedSizes(bytes: Int64, expected: String) {
        #expect(Human.size(bytes) == expected)
    }

    @Test(
        "Durations show their two largest parts",
        arguments: [
            (UInt64(0), "0 s"), (59, "59 s"), (60, "1 min"), (899, "14 min"), (3600, "1 h"), (11_100, "3 h 5 min"),
            (86_400, "1 d"), (187_200, "2 d 4 h"), (UInt64.max, "213503982334601 d 7 h"),
        ]
    )
    func durations(seconds: UInt64, expected: String) {
        #expect(Human.duration(seconds: seconds) == expected)
    }

    @Test(
        "CPU time has a decimal below a minute",
        arguments: [
            (UInt64(0), "0.0 s"), (3_450_000_000, "3.4 s"), (59_999_999_999, "59.9 s"), (60_000_000_000, "1 min"),
        ]
    )
    func cpuTimes(nanoseconds: UInt64, expected: String) {
        #expect(Human.cpuTime(nanoseconds: nanoseconds) == expected)
    }

    @Test("Intervals", arguments: [(UInt64(300), "300 ms"), (2500, "2.5 s"), (60_000, "60 s")])
    func intervals(milliseconds: UInt64, expected: String) {
        #expect(Human.interval(milliseconds: milliseconds) == expected)
    }

    @Test("Shares of a core", arguments: [(UInt32(23), "2.3 % of one core"), (1000, "100.0 % of one core")])
    func shares(permille: UInt32, expected: String) {
        #expect(Human.cpuShare(permille: permille) == expected)
    }

    @Test("Control characters of a hostile name do not reach the terminal")
    func plain() {
        #expect(Human.plain("a\u{1b}[2J\nb\u{9b}c") == "a?[2J?b?c")
        #expect(Human.plain("Grüße") == "Grüße")
    }
}

@Suite("Layout")
struct TextLayoutTests {
    @Test("Lines break at spaces and never pass the width")
    func wrapping() {
        let text = TextLayout.wrap("one two three four five", first: "- ", indent: 2, width: 11)
        #expect(text == "- one two\n  three\n  four five\n")
    }

    @Test("A word that is longer than the line stays whole")
    func longWord() {
        #expect(TextLayout.wrap("a bbbbbbbbbbbb c", width: 5) == "a\nbbbbbbbbbbbb\nc\n")
        #expect(TextLayout.wrap("", first: "- ") == "- \n")
    }

    @Test("Columns are aligned, and nothing stands at the end of a line")
    func table() {
        var table = TextTable([.init("NAME"), .init("SIZE", .right), .init("NOTE")])
        table.add(["a", "1", ""])
        table.add(["longer", "1000", "x"])
        #expect(table.text() == "NAME    SIZE  NOTE\na          1\nlonger  1000  x\n")
    }

    @Test("The first column gives way where 80 columns are not enough", arguments: [40, 80, 200])
    func narrow(length: Int) {
        var table = TextTable([.init("NAME"), .init("A", .right), .init("B", .right)])
        table.add([String(repeating: "n", count: length), "1000000000", "2000000000"])
        for line in table.text().split(separator: "\n") { #expect(line.count <= 80) }
        #expect(table.text().contains("…") == (length > 56))
    }
}
