import KSMModel
import KSMText
import Testing

@Suite("Files of the machine's memory")
struct MemoryTextTests {
    private let meminfo = """
        MemTotal:       24683888 kB
        MemFree:        20000000 kB
        MemAvailable:   23000000 kB
        Buffers:          100000 kB
        Cached:          1048576 kB
        SwapCached:      5000000 kB
        AnonPages:        300000 kB
        SReclaimable:    7000000 kB
        SwapTotal:       1000 kB
        SwapFree:        999 kB

        """

    @Test("meminfo: free is MemFree + Buffers + Cached, and neither SwapCached nor SReclaimable")
    func free() {
        let info = MemoryInfo.parse(Array(meminfo.utf8).span)
        #expect(info.memTotalKiB == 24_683_888)
        #expect(info.classicFreeKiB == 20_000_000 + 100_000 + 1_048_576)
        #expect(info.memAvailableKiB == 23_000_000 && info.anonPagesKiB == 300_000)
        #expect(info.swapTotalKiB == 1000 && info.swapFreeKiB == 999)
    }

    @Test("meminfo cut at any byte never traps, and never gives a number that was not there")
    func truncated() {
        let bytes = Array(meminfo.utf8)
        for end in 0...bytes.count {
            let info = MemoryInfo.parse(Array(bytes[..<end]).span)
            if end < 20 { #expect(info.memFreeKiB == nil) }
        }
    }

    @Test(
        "Wild meminfo gives no value for its line",
        arguments: [
            "MemTotal: 99999999999999999999 kB\n", "MemTotal:\n", "MemTotal: -5 kB\n", "MemTotal 5 kB\n",
            "memtotal: 5\n",
            "\u{0}MemTotal: 5 kB", "",
        ]
    )
    func wild(_ text: String) {
        #expect(MemoryInfo.parse(Array(text.utf8).span).memTotalKiB == nil)
    }

    @Test("CRLF is white space")
    func crlf() {
        #expect(MemoryInfo.parse(Array("MemTotal: 5 kB\r\nMemFree: 4 kB\r\n".utf8).span).memFreeKiB == 4)
    }

    @Test("A node's meminfo")
    func node() {
        let text =
            "Node 1 MemTotal:  6170972 kB\nNode 1 MemFree:  100 kB\nNode 1 FilePages: 7 kB\nNode 1 AnonPages:  50 kB\n"
        let expected = NodeMemory(node: 1, totalKiB: 6_170_972, freeKiB: 100, anonKiB: 50, fileKiB: 7)
        #expect(NodeMemory.parse(Array(text.utf8).span, node: 1) == expected)
        #expect(NodeMemory.parse(Array("Node 1 MemTotal: 5 kB\n".utf8).span, node: 1) == nil)
        #expect(NodeMemory.parse([UInt8]().span, node: 1) == nil)
    }

    @Test("Pressure")
    func pressure() {
        let text =
            "some avg10=1.50 avg60=0.07 avg300=100.00 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        let stall = PressureStall.parse(Array(text.utf8).span)
        #expect(stall.some == PressureStall.Line(avg10: 150, avg60: 7, avg300: 10000, totalMicroseconds: 123_456))
        #expect(stall.full == PressureStall.Line(avg10: 0, avg60: 0, avg300: 0, totalMicroseconds: 0))
    }

    @Test(
        "Broken pressure is none",
        arguments: [
            "", "some\n", "some avg10=1.5 avg60=0.00 avg300=0.00 total=1\n",
            "some avg10=101.00 avg60=0.00 avg300=0.00 total=1\n",
            "some avg10=.00 avg60=0.00 avg300=0.00 total=1\n", "some avg10=-1.00 avg60=0.00 avg300=0.00 total=1\n",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=\n", "some total=1 avg10=0.00\n",
        ]
    )
    func brokenPressure(_ text: String) {
        #expect(PressureStall.parse(Array(text.utf8).span).some == nil)
    }

    @Test("vmstat")
    func events() {
        let events = KSMEvents.parse(Array("nr_free_pages 5\nksm_swpin_copy 3\ncow_ksm 42\ncow_ksmx 1\n".utf8).span)
        #expect(events.cow_ksm == 42 && events.ksm_swpin_copy == 3)
        #expect(KSMEvents.parse(Array("nr_free_pages 5\n".utf8).span) == KSMEvents())
    }

    @Test(
        "Node lists",
        arguments: [
            ("0\n", [0]), ("0-3,5\n", [0, 1, 2, 3, 5]), ("\n", []), ("", []), ("0,2-2\n", [0, 2]), ("3,1\n", [3]),
            ("1022-99999999999\n", [1022, 1023]),
        ]
    )
    func nodes(_ text: String, _ expected: [Int]) throws {
        #expect(try NodeList.parse(Array(text.utf8).span) == expected)
    }

    @Test(
        "Broken node lists are errors",
        arguments: ["a", "1-", "-1", "3-1", "1,,2", "1-2-3", "99999999999999999999999"]
    )
    func brokenNodes(_ text: String) {
        #expect(throws: TextError.self) { try NodeList.parse(Array(text.utf8).span) }
    }
}

@Suite("The file of saved settings")
struct SavedSettingsTextTests {
    private let saved = SavedSettings(
        bootID: "2ec4449b-2429-4803-b1f7-23d189e28ea8",
        entries: [
            SavedSettings.Entry(.run, found: "0", isOurs: true),
            SavedSettings.Entry(.pages_to_scan, found: "100"),
            SavedSettings.Entry(.advisor_mode, found: "scan-time", isOurs: true),
        ]
    )

    @Test("What is written is read back")
    func roundTrip() throws {
        #expect(try SavedSettings.parse(Array(saved.text.utf8).span) == saved)
    }

    @Test("Lines that are not understood are kept, but for comments and empty ones")
    func unknown() throws {
        let text = saved.text + "future_attribute=9 ours\n\n# made = up ours\nextra stuff\n"
        let parsed = try SavedSettings.parse(Array(text.utf8).span)
        #expect(parsed.entries == saved.entries)
        #expect(
            parsed.unknown == [.init("future_attribute=9 ours", isOurs: true), .init("extra stuff", isOurs: false)]
        )
        #expect(parsed.text == saved.text + "future_attribute=9 ours\nextra stuff\n")
        #expect(parsed.hasOurs)
    }

    @Test("A later version of the format is refused", arguments: ["2", "7", "0", "", "1.1", "99999999999999999999"])
    func newer(_ version: String) {
        let text = saved.text.replacing("version=1", with: "version=\(version)")
        let error = #expect(throws: TextError.self) { try SavedSettings.parse(Array(text.utf8).span) }
        #expect(error?.expected == "the format's version 1")
    }

    @Test("The first line of an attribute counts, and counters are no settings")
    func doubles() throws {
        let text = "version=1\nboot_id=x\nrun=0 ours\nrun=1\npages_sharing=5 ours\nmerge_across_nodes=\n"
        #expect(
            try SavedSettings.parse(Array(text.utf8).span).entries == [
                SavedSettings.Entry(.run, found: "0", isOurs: true)
            ]
        )
    }

    @Test(
        "Anything else is refused",
        arguments: ["", "\u{0}\u{0}", "run=0 ours\n", "version=x\nboot_id=y\n", "version=1\n"]
    )
    func refused(_ text: String) {
        #expect(throws: TextError.self) { try SavedSettings.parse(Array(text.utf8).span) }
    }
}
