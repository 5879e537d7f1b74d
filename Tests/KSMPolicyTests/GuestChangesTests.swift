import KSMModel
import Testing

@Suite("Which guests came and went")
struct GuestChangesTests {
    /// `pid:start:name`, or `pid:name`.
    private func guests(_ text: String) -> [Guest] {
        text.split(separator: " ").map { word in
            let parts = word.split(separator: ":")
            let start = parts.count > 2 ? UInt64(parts[1]) ?? 0 : 1
            return Guest(pid: Int32(parts[0]) ?? 0, startTicks: start, name: String(parts[parts.count - 1]), rssKiB: 1)
        }
    }

    @Test(
        "They are told by process and start time, and named",
        arguments: [
            ("", "", "", "", nil), ("1:a", "1:a", "", "", nil),
            ("", "7:web", "web", "", "guest web came"), ("7:web", "", "", "web", "guest web went"),
            ("1:a 3:c", "1:a 2:b 3:c 4:d", "b d", "", "2 guests came"),
            ("1:a 2:b 3:c", "2:b", "", "a c", "2 guests went"),
            ("1:a 2:b", "2:b 3:c", "c", "a", "1 guest came, 1 went"),
            // A pid that is used again is another process.
            ("5:1:old", "5:2:new", "new", "old", "1 guest came, 1 went"),
            ("1:a 9:z", "2:b 3:c", "b c", "a z", "2 guests came, 2 went"),
        ] as [(String, String, String, String, String?)]
    )
    func changes(_ before: String, _ after: String, _ came: String, _ went: String, _ sentence: String?) {
        let changes = GuestChanges(from: guests(before), to: guests(after))
        #expect(changes.came == came.split(separator: " ").map(String.init))
        #expect(changes.went == went.split(separator: " ").map(String.init))
        #expect(changes.sentence == sentence && changes.isEmpty == (sentence == nil))
    }

    @Test(
        "A date is that of date(1)",
        arguments: [
            (UInt64(0), "1970-01-01 00:00:00 UTC"), (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"), (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_795_845_576, "2026-11-28 05:59:36 UTC"), (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ]
    )
    func date(_ seconds: UInt64, _ text: String) {
        #expect(CivilTime(realtimeSeconds: seconds).description == text)
    }
}
