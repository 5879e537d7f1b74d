import KSMKernel
import KSMModel
import KSMPolicy
package import KSMReport
import KSMSystemd

/// What the tuner says of itself: the state, and what every journal entry carries.
extension Tuner {
    /// What the state file and the status line say.
    package func report(_ base: StateReport) -> StateReport {
        var report = base
        report.policy = policy.name.rawValue
        report.tick = number
        report.intervalMilliseconds = intervalMilliseconds
        (report.state, report.reasonCode, report.reason) = state()
        report.savedBytes = sample.ksm.savedBytes(pageSize: sample.pageSize)
        report.netSavedBytes = sample.ksm.netSavedBytes(pageSize: sample.pageSize)
        report.scannerCPUNanoseconds = account.sinceStartNanoseconds
        report.scannerCPUPermille = account.permille
        report.scanningStoppedRealtimeSeconds = account.stoppedRealtimeSeconds
        report.warnings = sample.problems + nodes.warnings.map(\.sentence) + (logTrouble.map { [$0] } ?? [])
        report.hold = hold
        report.written = applier.own.map { Write($0.key, $0.value) }.sorted {
            $0.attribute.rawValue < $1.attribute.rawValue
        }
        report.foreign = applier.foreign.keys.sorted { $0.rawValue < $1.rawValue }
        report.found = saved.settings.entries.filter(\.isOurs).map { Write($0.attribute, $0.found) }
        report.numa = numaReport
        report.guests = sampler.guests.guests.map {
            StateReport.Guest($0, host: sample.ksm, pageSize: sample.pageSize)
        }
        return report
    }

    /// The nodes' part of it.
    var numaReport: StateReport.NUMA { nodes.report(sample, nowRealtimeSeconds: Clock.realtimeSeconds()) }

    /// How long a write may be under way before it is worth saying: a scanner's batch takes milliseconds.
    static let patienceNanoseconds: UInt64 = 1_000_000_000

    private func state() -> (StateReport.State, String, String) {
        let reason = lastDecision?.reason
        if let (write, nanoseconds) = applier.slow.oldest(now: Clock.monotonicNanoseconds()),
            nanoseconds > Tuner.patienceNanoseconds
        {
            return (.waiting, "kernel-busy", teller.waitingSentence(write, nanoseconds))
        }
        if isUnmerging { return (.unmerging, "unmerging", teller.unmergingSentence) }
        guard let reason else { return (.starting, "starting", "no tick yet") }
        if let hold { return (hold.kind == .stop ? .held : .paused, reason.code, reason.sentence) }
        if let value = applier.foreign[.run] { return (.foreign, "foreign-run", teller.foreignSentence(value, reason)) }
        if let failure = journal.failure { return (.failed, "write-failed", failure) }
        // A write of run that is under way will be there in a moment.
        let isRunning = applier.slow.isUnderWay(.run) ? lastDecision?.wanted(.run) == "1" : sample.ksm.isRunning
        return (isRunning ? .scanning : .stopped, reason.code, reason.sentence)
    }

    /// Completes entries that are about to be written with what every entry carries.
    func complete(_ entries: [JournalEntry], trigger: Trigger? = nil) -> [JournalEntry] {
        summaries.count(entries)
        return context.complete(
            entries,
            sample,
            account,
            state: state().0,
            trigger: trigger ?? cause.trigger,
            guests: cause.guests
        )
    }

    /// What was saved since the last summary and what that cost; `nil` where there is nothing to say.
    package func summary() -> JournalEntry? { summaries.conclude(sample, account) }
}
