import KSMText
import Testing

@Suite("A process' mappings are parsed as the kernel prints them")
struct ProcessMapsTests {
    private static func areas(_ text: String) -> [MemoryArea] {
        var areas: [MemoryArea] = []
        _ = ProcessMaps.parse(Array(text.utf8).span, isEnd: true) { areas.append($0) }
        return areas
    }

    @Test(
        "What can hold merged pages, and what is worth a sample",
        arguments: [
            ("7f10bbe00000-7f11bbe00000 rw-p 00000000 00:00 0 \n", true, true),
            ("7f10bbe00000-7f10bbe10000 rw-p 00000000 00:00 0", true, true),
            ("7f10bbe00000-7f10bbe0f000 rw-p 00000000 00:00 0", true, false),  // 60 KiB
            ("7f10bbe00000-7f11bbe00000 r--p 00000000 00:00 0", true, true),  // was written before
            ("7f10bbe00000-7f11bbe00000 ---p 00000000 00:00 0", false, false),
            ("7f10bbe00000-7f11bbe00000 rw-s 00000000 00:01 7 /memfd:x (deleted)", false, false),
            ("7f10bbe00000-7f11bbe00000 rw-p 00000000 fe:01 77 /usr/bin/qemu", true, true),
            ("7f10bbe00000-7f11bbe00000 r--p 00000000 fe:01 77 /usr/bin/qemu", true, false),
            ("55d0e5c00000-55d0e7a21000 rw-p 00000000 00:00 0                          [heap]", true, true),
            ("7ffd3c5e0000-7ffd3c602000 rw-p 00000000 00:00 0                          [stack]", true, true),
            ("7f11bc000000-7f11bc021000 rw-p 00000000 00:00 0   [anon:glibc: malloc arena]", true, true),
            ("7ffd3c700000-7ffd3c7cc000 r--p 00000000 00:00 0                          [vvar]", false, false),
            ("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]", false, false),
        ]
    )
    func kinds(_ line: String, _ canHold: Bool, _ isSampled: Bool) throws {
        let area = try #require(Self.areas(line).first)
        #expect(area.canHoldMergedPages == canHold)
        #expect(area.isWorthSampling == isSampled)
    }

    @Test("Addresses up to the end of the address space")
    func addresses() throws {
        let area = try #require(Self.areas("ffffffffff600000-ffffffffffffffff --xp 0 0:0 0 [vsyscall]").first)
        #expect(area.start == 0xffff_ffff_ff60_0000 && area.end == .max && area.isExecutable && area.isSpecial)
    }

    @Test(
        "What is no area is left out, and what follows is read",
        arguments: [
            "", "\n", "1000-2000", "1000-2000 rw-p", "1000-2000 rw-p 0 0:0", "2000-1000 rw-p 0 0:0 0",
            "1000-1000 rw-p 0 0:0 0", "10000000000000000-20000000000000000 rw-p 0 0:0 0", "1000 rw-p 0 0:0 0",
            "-1000 rw-p 0 0:0 0", "1000- rw-p 0 0:0 0", "1000-2000-3000 rw-p 0 0:0 0", "0x1000-2000 rw-p 0 0:0 0",
            "1000-2000 rwp 0 0:0 0", "1000-2000 rw-px 0 0:0 0", "1000-2000 rw-p 0 0:0 x",
            "1000-2000 rw-p 0 0:0 99999999999999999999", "\u{0}1000-2000 rw-p 0 0:0 0",
        ]
    )
    func refused(_ line: String) {
        #expect(Self.areas(line).isEmpty)
        #expect(Self.areas(line + "\n1000-2000 rw-p 0 0:0 0\n").map(\.start) == [0x1000])
    }

    @Test("A file in pieces is the same wherever it is cut")
    func pieces() {
        let text =
            "1000-21000 rw-p 00000000 00:00 0 \n30000-50000 rw-s 00000000 00:01 7   /memfd:x\nbroken\n"
            + "7ffd3c5e0000-7ffd3c602000 rw-p 00000000 00:00 0  [stack]"
        let whole = Self.areas(text)
        #expect(whole.count == 3)
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var areas: [MemoryArea] = []
            let taken = ProcessMaps.parse(Array(bytes[..<cut]).span, isEnd: false) { areas.append($0) }
            #expect(taken <= cut)
            let end = ProcessMaps.parse(Array(bytes[taken...]).span, isEnd: true) { areas.append($0) }
            #expect(taken + end == bytes.count)
            #expect(areas == whole)
        }
    }
}
