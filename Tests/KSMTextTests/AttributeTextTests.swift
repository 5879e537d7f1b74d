import KSMModel
import KSMText
import Testing

@Suite("Attributes are parsed as the kernel prints them")
struct AttributeTextTests {
    private func parse(_ text: String, _ format: Attribute.Format) throws -> AttributeValue {
        try AttributeValue.parse(Array(text.utf8).span, as: format)
    }

    @Test(
        "Numbers",
        arguments: [
            ("0\n", Attribute.Format.unsigned, AttributeValue.unsigned(0)),
            ("100", .unsigned, .unsigned(100)),  // no newline
            ("18446744073709551615\n", .unsigned, .unsigned(.max)),
            ("0100\n", .unsigned, .unsigned(100)),  // leading zeros are decimal
            ("100\r\n", .unsigned, .unsigned(100)),  // a recorded file that went through Windows
            ("-16777216\n", .signed, .signed(-16_777_216)),  // general_profit of KSM that costs more than it saves
            ("-9223372036854775808\n", .signed, .signed(.min)),
            ("9223372036854775807\n", .signed, .signed(.max)),
            ("[none] scan-time\n", .selection, .word("none")),
            ("none [scan-time]\n", .selection, .word("scan-time")),
            ("none scan-time [something-new]\n", .selection, .word("something-new")),
            ("none\n", .selection, .word("none")),  // written to a recorded file
        ]
    )
    func accepted(_ text: String, _ format: Attribute.Format, _ value: AttributeValue) throws {
        #expect(try parse(text, format) == value)
    }

    @Test(
        "What is no value is an error that shows what was found",
        arguments: [
            ("", Attribute.Format.unsigned),  // empty file
            ("\n", .unsigned),
            ("-1\n", .unsigned),
            ("18446744073709551616\n", .unsigned),  // one more than 64 bits
            ("99999999999999999999999999999999999999\n", .unsigned),
            ("12 13\n", .unsigned),
            ("0x10\n", .unsigned),
            ("1\u{0}\n", .unsigned),  // NUL
            ("-\n", .signed),
            ("--1\n", .signed),
            ("9223372036854775808\n", .signed),
            ("-9223372036854775809\n", .signed),
            ("none scan-time\n", .selection),  // nothing is chosen
            ("[]\n", .selection),
            ("[none\n", .selection),
            ("", .selection),
        ]
    )
    func refused(_ text: String, _ format: Attribute.Format) {
        let error = #expect(throws: TextError.self) { try parse(text, format) }
        #expect(error?.expected.isEmpty == false)
        #expect(error?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }

    @Test("Every attribute has the name of its file, and the name finds it again")
    func names() {
        #expect(Attribute.allCases.count == 24)
        #expect(Attribute.run.name == "run")
        #expect(Attribute.stable_node_chains_prune_millisecs.name == "stable_node_chains_prune_millisecs")
        for attribute in Attribute.allCases { #expect(Attribute(name: attribute.name) == attribute) }
        #expect(Attribute(name: "max_kernel_pages") == nil)
    }

    @Test(
        "run is read without the bit that is set while memory goes offline",
        arguments: [(4, 0), (5, 1), (6, 2), (1, 1)]
    )
    func offline(_ read: UInt64, _ run: UInt64) {
        #expect(KSMAttributes([.run: .unsigned(read)]).run == run)
    }
}

@Suite("Memory saved, by kernel")
struct SavedMemoryTests {
    @Test("From 6.6 shared pages and zero pages count")
    func zeroPages() {
        let ksm = KSMAttributes([
            .pages_sharing: .unsigned(1000), .ksm_zero_pages: .signed(24), .general_profit: .signed(-5),
        ])
        #expect(ksm.savedBytes(pageSize: 4096) == 1024 * 4096)
        #expect(ksm.netSavedBytes(pageSize: 4096) == -5)
    }

    @Test("Before 6.6 only shared pages do, and before 6.4 64 bytes per known page are deducted")
    func oldKernel() {
        let ksm = KSMAttributes([
            .pages_sharing: .unsigned(1000), .pages_shared: .unsigned(10), .pages_unshared: .unsigned(100_000),
            .pages_volatile: .unsigned(0),
        ])
        #expect(ksm.savedBytes(pageSize: 65536) == 65_536_000)
        #expect(ksm.netSavedBytes(pageSize: 4096) == 4_096_000 - 64 * 101_010)
    }

    @Test("Without pages_sharing nothing is known")
    func unknown() {
        #expect(KSMAttributes().savedBytes(pageSize: 4096) == nil)
        #expect(KSMAttributes().netSavedBytes(pageSize: 4096) == nil)
    }

    @Test("Counters at the edge of 64 bits do not trap")
    func extremes() {
        let ksm = KSMAttributes([
            .pages_sharing: .unsigned(.max), .pages_shared: .unsigned(.max), .pages_unshared: .unsigned(.max),
            .ksm_zero_pages: .signed(-1),
        ])
        _ = ksm.savedBytes(pageSize: .max)
        _ = ksm.netSavedBytes(pageSize: .max)
        var guest = Guest(pid: 1, startTicks: 0, name: "x", rssKiB: .max)
        guest.mergingPages = .max
        guest.ksmStat = KSMStat()
        guest.ksmStat?.zeroPages = .max
        _ = guest.savedBytes(ksm, pageSize: .max)
    }

    @Test("The guests' parts add up to what the host saves")
    func parts() throws {
        let host = KSMAttributes([.pages_shared: .unsigned(100), .pages_sharing: .unsigned(300)])
        let guests = [UInt64(100), 100, 200].map { pages in
            var guest = Guest(pid: 1, startTicks: 0, name: "x", rssKiB: 4096)
            guest.mergingPages = pages
            return guest
        }
        let sum = guests.reduce(0) { $0 + ($1.savedBytes(host, pageSize: 4096) ?? 0) }
        #expect(sum == 300 * 4096)
    }
}
