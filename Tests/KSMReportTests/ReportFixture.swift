import KSMModel
import KSMReport

/// A host with two guests, the daemon's word about it, and a moment in time.
enum Fixture {
    static let now: UInt64 = 1_700_000_840

    static var sample: Sample {
        var sample = Sample(monotonicNanoseconds: 0, pageSize: 4096)
        sample.ksm = KSMAttributes([
            .run: .unsigned(1), .pages_to_scan: .unsigned(364), .sleep_millisecs: .unsigned(10),
            .pages_shared: .unsigned(1024), .pages_sharing: .unsigned(393_216), .pages_unshared: .unsigned(1000),
            .pages_volatile: .unsigned(10), .general_profit: .signed(1_500_000_000), .ksm_zero_pages: .signed(0),
            .advisor_mode: .word("none"),
        ])
        sample.scanner = ScannerThread(pid: 60, cpuNanoseconds: 852_300_000_000)
        var web = Guest(pid: 1234, startTicks: 5000, name: "web1", rssKiB: 2 << 20)
        web.mergingPages = 393_216
        web.ksmStat = KSMStat()
        web.ksmStat?.processProfitBytes = 1_600_000_000
        let database = Guest(pid: 99_999, startTicks: 6000, name: "database\u{1b}[31m", rssKiB: 512 << 10)
        sample.guests = [web, database]
        return sample
    }

    static var state: StateReport {
        var state = StateReport(pid: 77, daemonVersion: "0.1.0", policy: "classic")
        state.startedRealtimeSeconds = now - 7500
        state.state = .scanning
        state.reasonCode = "pressure"
        state.reason = "guests hold 24.0 GiB and 3.2 GiB are to stay free, more than the 26.1 GiB of the host"
        state.tick = 125
        state.lastTickRealtimeSeconds = now - 12
        state.intervalMilliseconds = 60_000
        state.scannerCPUNanoseconds = 12_345_000_000
        state.scannerCPUPermille = 23
        state.written = [Write(.run, 1), Write(.pages_to_scan, "364")]
        state.found = [Write(.run, 0), Write(.pages_to_scan, "100")]
        return state
    }

    static func report(
        _ daemon: StatusReport.Daemon = .running(pid: 77),
        _ state: StateReport? = state,
        _ change: (inout Sample) -> Void = { _ in }
    ) -> StatusReport {
        var sample = sample
        change(&sample)
        var report = StatusReport(sample: sample, daemon: daemon, stateFile: state)
        report.nowRealtimeSeconds = now
        return report
    }
}
