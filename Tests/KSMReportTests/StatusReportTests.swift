import Foundation
import KSMModel
import KSMReport
import Testing

@Suite("Status")
struct StatusReportTests {
    @Test("The text of a host with a daemon and two guests")
    func snapshot() {
        var report = Fixture.report { $0.problems = ["Failed to open /proc/99999/ksm_stat: Permission denied"] }
        report.remedy = "Run it as root to see all."
        #expect(
            report.text == """
                scanning: guests hold 24.0 GiB and 3.2 GiB are to stay free, more than the 26.1
                    GiB of the host
                ksmd 0.1.0, pid 77, policy classic, for 2 h 5 min; tick 125 12 s ago, every 60 s

                Saved        1.5 GiB (393216 pages found in 1024)
                Net          1.4 GiB after the kernel's bookkeeping
                Scanner CPU  2.3 % of one core in the last interval, 12.3 s since ksmd started,
                             14 min since boot
                Settings     run 1, 364 pages per batch, 10 ms between batches

                GUEST            PID      RSS   MERGED    SAVED   PROFIT
                web1            1234  2.0 GiB  1.5 GiB  1.5 GiB  1.5 GiB
                database?[31m  99999  512 MiB        ?        ?        ?

                Could not be read:
                - Failed to open /proc/99999/ksm_stat: Permission denied
                Run it as root to see all.

                """
        )
    }

    @Test("No line is longer than 80 columns, whatever is wrong")
    func width() {
        var state = Fixture.state
        state.foreign = Attribute.settings
        state.hold = .init(by: "root", sinceRealtimeSeconds: 1)
        let report = Fixture.report(.running(pid: 77), state) { sample in
            sample.ksm[.run] = .unsigned(0)
            sample.guests[0].name = String(repeating: "long", count: 60)
        }
        for line in report.text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test(
        "Without a daemon the state is what `run` says",
        arguments: [(UInt64(0), "stopped"), (1, "scanning"), (2, "unmerged"), (5, "scanning")]
    )
    func stateOfTheKernel(run: UInt64, state: String) {
        let report = Fixture.report(.notRunning, nil) { $0.ksm[.run] = .unsigned(run) }
        #expect(report.state == state)
        #expect(report.reason == "ksmd is not running")
        #expect(report.reasonCode == "no-daemon")
    }

    @Test("The report that a daemon left behind is not believed")
    func leftBehind() {
        #expect(Fixture.report(.notRunning).daemonReport == nil)
        #expect(Fixture.report(.running(pid: 78)).daemonReport == nil)
        #expect(Fixture.report(.running(pid: 78)).reason == "ksmd (pid 78) has not reported yet")
        #expect(Fixture.report(.running(pid: 77)).daemonReport != nil)
        #expect(Fixture.report(.recorded).daemonReport != nil)
        #expect(Fixture.report(.recorded, nil).reason.contains("no report"))
    }

    @Test("A kernel without KSM is named as such")
    func absent() {
        let report = Fixture.report(.notRunning, nil) { $0.ksm = KSMAttributes() }
        #expect(report.isKSMAbsent)
        #expect(report.state == "unavailable")
        #expect(report.text.contains("this kernel has no KSM"))
        #expect(!report.text.contains("Saved"))
    }

    @Test("What only the daemon may read comes from its report, if it is the same process")
    func completed() {
        var state = Fixture.state
        var database = StateReport.Guest(name: "database", pid: 99_999, startTicks: 6000, rssBytes: 1)
        database.mergedBytes = 4096
        database.savedBytes = 2048
        database.profitBytes = -3
        state.guests = [database]
        let guest = Fixture.report(.running(pid: 77), state).guests[1]
        #expect(guest.mergedBytes == 4096)
        #expect(guest.savedBytes == 2048)
        #expect(guest.profitBytes == -3)
        #expect(guest.rssBytes == 512 << 20)
        let withoutStat = Fixture.report(.running(pid: 77), state) { $0.guests[1].mergingPages = 1 }
        #expect(withoutStat.guests[1].mergedBytes == 4096)
        #expect(withoutStat.guests[1].savedBytes == 2048)
        state.guests[0].startTicks = 5999
        #expect(Fixture.report(.running(pid: 77), state).guests[1].mergedBytes == nil)
    }

    @Test("JSON has all that scripts are promised")
    func json() throws {
        var json = JSONWriter(style: .pretty)
        Fixture.report { $0.problems = ["x"] }.write(to: &json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
        #expect(object["state"] as? String == "scanning")
        #expect((object["reason"] as? String)?.hasPrefix("guests hold") == true)
        #expect(object["saved_bytes"] as? Int == 393_216 * 4096)
        #expect(object["net_saved_bytes"] as? Int == 1_500_000_000)
        #expect(object["scanner_cpu_seconds"] as? Double == 852.3)
        #expect(object["warnings"] as? [String] == [])
        #expect(object["unreadable"] as? [String] == ["x"])
        let guests = try #require(object["guests"] as? [[String: Any]])
        #expect(guests.map { $0["name"] as? String } == ["web1", "database\u{1b}[31m"])
        #expect(guests[0]["pid"] as? Int == 1234)
        #expect(guests[0]["rss_bytes"] as? Int == 2 << 30)
        #expect(guests[0]["merged_bytes"] as? Int == 393_216 * 4096)
        #expect(guests[0]["profit_bytes"] as? Int == 1_600_000_000)
        #expect(guests[1]["saved_bytes"] is NSNull)
        let daemon = try #require(object["daemon"] as? [String: Any])
        #expect(daemon["found"] as? [String: String] == ["run": "0", "pages_to_scan": "100"])
    }
}

@Suite("Warnings of the status")
struct StatusWarningTests {
    private func warnings(
        _ daemon: StatusReport.Daemon = .running(pid: 77),
        _ change: (inout StateReport, inout Sample) -> Void
    ) -> [String] {
        var state = Fixture.state
        var sample = Fixture.sample
        sample.guests.removeLast()
        change(&state, &sample)
        var report = StatusReport(sample: sample, daemon: daemon, stateFile: state)
        report.nowRealtimeSeconds = Fixture.now
        return report.warnings
    }

    @Test("None while all is well")
    func none() {
        #expect(warnings { _, _ in }.isEmpty)
    }

    @Test("Counters are stale, and since when")
    func stale() {
        let known = warnings { state, sample in
            state.state = .stopped
            state.scanningStoppedRealtimeSeconds = Fixture.now - 850
            sample.ksm[.run] = .unsigned(0)
        }
        #expect(known.contains { $0.hasPrefix("counters are stale: scanning stopped 14 min ago") })
        let unknown = warnings(.notRunning) { _, sample in sample.ksm[.run] = .unsigned(0) }
        #expect(unknown.contains { $0.hasPrefix("counters are stale: scanning stands still") })
        let paused = warnings { _, sample in sample.ksm[.pages_to_scan] = .unsigned(0) }
        #expect(paused.contains { $0.hasPrefix("counters are stale") })
        let empty = warnings(.notRunning) { _, sample in
            sample.ksm[.run] = .unsigned(0)
            sample.ksm[.pages_shared] = .unsigned(0)
            sample.ksm[.pages_sharing] = .unsigned(0)
        }
        #expect(empty.isEmpty)
    }

    @Test("Merged guests exited while scanning stood still")
    func strays() {
        let gone = warnings(.notRunning) { _, sample in
            sample.ksm[.run] = .unsigned(0)
            sample.guests = []
        }
        #expect(gone.contains { $0.hasPrefix("1.5 GiB counted as merged belong to no guest") })
        let unseen = warnings(.notRunning) { _, sample in
            sample.ksm[.run] = .unsigned(0)
            sample.guests[0].mergingPages = nil
        }
        #expect(!unseen.contains { $0.contains("belong to no guest") })
    }

    @Test("More than one program tunes")
    func writers() {
        let foreign = warnings { state, _ in state.foreign = [.run, .pages_to_scan] }
        #expect(foreign == ["more than one program tunes KSM: run, pages_to_scan changed behind ksmd's back"])
        let changed = warnings { _, sample in
            sample.ksm[.run] = .unsigned(0)
            sample.ksm[.pages_shared] = .unsigned(0)
            sample.ksm[.pages_sharing] = .unsigned(0)
        }
        #expect(changed.count == 1)
        #expect(changed.first?.hasPrefix("run is 0, which is not what ksmd made it") == true)
    }

    @Test("The daemon has fallen silent", arguments: [(UInt64(190), false), (191, true)])
    func silence(age: UInt64, isWarned: Bool) {
        let found = warnings { state, _ in state.lastTickRealtimeSeconds = Fixture.now - age }
        #expect(found.contains { $0.hasPrefix("ksmd completed its last tick 3 min ago") } == isWarned)
    }

    @Test("The kernel's advisor is on")
    func advisor() {
        let found = warnings { _, sample in sample.ksm[.advisor_mode] = .word("scan-time") }
        #expect(found == ["the kernel's advisor (scan-time) is on and sets pages_to_scan"])
    }

    @Test("An old kernel does not count its zero pages")
    func zeroPages() {
        let found = warnings { _, sample in
            sample.ksm[.use_zero_pages] = .unsigned(1)
            sample.ksm[.ksm_zero_pages] = nil
        }
        #expect(found.count == 1)
    }

    @Test("A hold is named, with the daemon and without")
    func hold() {
        let held = warnings { state, _ in state.hold = .init(by: "alice", sinceRealtimeSeconds: Fixture.now - 120) }
        #expect(held == ["stopped by alice 2 min ago with `ksmctl stop`; `ksmctl start` ends it"])
        var report = Fixture.report(.notRunning, nil)
        report.hold = .init(by: "bob", sinceRealtimeSeconds: nil)
        #expect(report.warnings.contains("stopped by bob with `ksmctl stop`; `ksmctl start` ends it"))
    }

    @Test("Hostile numbers do not trap")
    func extremes() {
        let report = Fixture.report(.running(pid: 77), Fixture.state) { sample in
            for attribute in Attribute.allCases where attribute.format == .unsigned {
                sample.ksm[attribute] = .unsigned(.max)
            }
            sample.ksm[.general_profit] = .signed(.min)
            sample.ksm[.ksm_zero_pages] = .signed(.min)
            sample.guests[0].rssKiB = .max
            sample.guests[0].mergingPages = .max
            sample.guests[0].ksmStat?.processProfitBytes = .min
        }
        #expect(!report.text.isEmpty)
        var json = JSONWriter()
        report.write(to: &json)
        #expect((try? JSONSerialization.jsonObject(with: Data(json.bytes))) != nil)
    }
}
