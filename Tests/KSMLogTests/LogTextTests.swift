import KSMLog
import KSMReport
import Testing

@Suite("Lines of the log")
struct LogTextTests {
    private func entry() -> LogEntry {
        var entry = LogEntry(realtimeMicroseconds: 1_795_842_600_000_042)
        entry.host = "alpha"
        entry.messageID = "321ba6da04bf407e89aad612fceabfc0"
        entry.kind = "decision"
        entry.priority = 6
        entry.message = "1 GiB free"
        entry.fields = [.init("KSM_REASON", "pressure"), .init("KSM_GUEST", "a\"b\n")]
        return entry
    }

    private func json(_ entry: LogEntry) -> String {
        var json = JSONWriter()
        LogText.write(entry, to: &json)
        return json.text
    }

    @Test("have local time, kind and message")
    func line() {
        let text = LogText(zone: LocalZone { _ in 3600 }, kinds: ["decision", "node-short"], hosts: ["alpha"])
        #expect(text.line(entry()) == "2026-11-28 06:10:00  decision    1 GiB free\n")
    }

    @Test("name the host where there are several")
    func hosts() {
        let text = LogText(zone: .utc, kinds: ["decision"], hosts: ["alpha", "a-longer-one"])
        #expect(text.line(entry()) == "2026-11-28 05:10:00  alpha         decision  1 GiB free\n")
    }

    @Test("have nothing in them that a terminal obeys, and no second line")
    func hostile() {
        var entry = entry()
        (entry.host, entry.kind) = ("al\u{1b}pha", nil)
        entry.message = "a\nb\u{1b}[31m\0\u{9b}c"
        let text = LogText(zone: .utc, kinds: ["decision"], hosts: ["a", "b"])
        #expect(text.line(entry) == "2026-11-28 05:10:00  al?pha  ?         a?b?[31m??c\n")
    }

    @Test("are objects as JSON, with the fields under their names")
    func object() {
        #expect(
            json(entry()) == #"{"time":"2026-11-28T05:10:00.000042Z","realtime_usec":1795842600000042,"host":"alpha","#
                + #""kind":"decision","message_id":"321ba6da04bf407e89aad612fceabfc0","priority":6,"#
                + #""message":"1 GiB free","KSM_REASON":"pressure","KSM_GUEST":"a\"b\n"}"#
        )
    }

    @Test("have an array as JSON where a field is there more than once, and nothing of it for people")
    func repeated() {
        var entry = LogEntry(realtimeMicroseconds: 0)
        entry.message = "two"
        entry.fields = [.init("KSM_GUEST", "a", "b\n"), .init("KSM_NODE", "1")]
        #expect(json(entry).hasSuffix(#","message":"two","KSM_GUEST":["a","b\n"],"KSM_NODE":"1"}"#))
        #expect(LogText(zone: .utc, kinds: [], hosts: []).line(entry) == "1970-01-01 00:00:00  ?  two\n")
    }

    @Test("have null as JSON for what is not there")
    func nothing() {
        #expect(
            json(LogEntry(realtimeMicroseconds: 0))
                == #"{"time":"1970-01-01T00:00:00.000000Z","realtime_usec":0,"host":null,"#
                + #""kind":null,"message_id":null,"priority":null,"message":null}"#
        )
    }
}
