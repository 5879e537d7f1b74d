import Foundation
import KSMModel
import KSMReport
import Testing

@Suite("The state file")
struct StateReportTests {
    @Test("It is one line of JSON with a version")
    func text() {
        var state = Fixture.state
        state.hold = .init(.pause, by: "root", sinceRealtimeSeconds: 5)
        state.hold?.untilRealtimeSeconds = 9
        state.hold?.reason = "migration"
        state.events = [.init(.kvm, .active), .init(.pressure, .unavailable, "no pressure")]
        state.foreign = [.run]
        state.written.append(Write(.run, 0))
        state.warnings = ["a \"quoted\" warning"]
        state.guests = [StateReport.Guest(name: "web1", pid: 1234, startTicks: 5000, rssBytes: 42)]
        #expect(
            state.json == #"{"version":1,"pid":77,"daemon_version":"0.1.0","policy":"classic","started_boottime":0,"#
                + #""started_realtime":1699993340,"state":"scanning","reason_code":"pressure","#
                + #""reason":"guests hold 24.0 GiB and 3.2 GiB are to stay free, more than the 26.1 GiB of the host","#
                + #""tick":125,"last_tick_realtime":1700000828,"interval_ms":60000,"scanning_stopped_realtime":null,"#
                + #""saved_bytes":null,"net_saved_bytes":null,"scanner_cpu_seconds":12.345,"scanner_cpu_permille":23,"#
                + #""warnings":["a \"quoted\" warning"],"hold":{"kind":"pause","by":"root","#
                + #""since_realtime":5,"until_realtime":9,"reason":"migration"},"#
                + #""written":{"pages_to_scan":"364","run":"0"},"foreign":["run"],"#
                + #""found":{"run":"0","pages_to_scan":"100"},"events":["#
                + #"{"source":"kvm","condition":"active","detail":null},{"source":"pressure","#
                + #""condition":"unavailable","detail":"no pressure"}],"numa":null,"guests":[{"name":"web1","pid":1234,"#
                + #""start_ticks":5000,"rss_bytes":42,"merged_bytes":null,"saved_bytes":null,"profit_bytes":null}]}"#
                + "\n"
        )
    }

    @Test("A guest's figures come from the sample")
    func guest() {
        let sample = Fixture.sample
        let guest = StateReport.Guest(sample.guests[0], host: sample.ksm, pageSize: 4096)
        #expect(guest.rssBytes == 2 << 30)
        #expect(guest.mergedBytes == 393_216 * 4096)
        #expect(guest.savedBytes == sample.guests[0].savedBytes(sample.ksm, pageSize: 4096))
        #expect(guest.profitBytes == 1_600_000_000)
    }
}
