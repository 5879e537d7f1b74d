package import KSMKernel
package import KSMModel
import KSMPolicy
package import KSMReport
import KSMSystemd

/// One tick: sample → step → apply → report.
///
/// Knows no loop and no clock but the sample's; the daemon drives it.
package final class Tuner {
    /// What one tick brought.
    package struct Tick {
        package var number: UInt64
        package var decision: Decision
        /// Children to wait for, each of which writes one attribute.
        package var children: [Int32]
        package var entries: [JournalEntry]
        /// Guests came or went since the last tick.
        package var guestsChanged: Bool
        /// The scope for which everything is to be un-shared now (`AutoUnmerge=yes`), by another process.
        package var unmergeTo: MergeScope?
    }

    package private(set) var settings: Settings
    package let applier: Applier
    package let sampler: Sampler
    package let saved: SavedState
    package private(set) var number: UInt64 = 0
    package internal(set) var lastDecision: Decision?
    package private(set) var hold: StateReport.Hold?
    package internal(set) var sample: Sample

    let root: KernelRoot
    var policy: any Policy
    private var policyOverride: PolicyName?
    var teller = Teller()
    private(set) var account: ScannerAccount
    var context = ChangeContext()
    var summaries = Summary()
    /// What the tick that decided last was for, and which guests came and went before it.
    var cause: (trigger: Trigger, guests: GuestChanges) = (.start, GuestChanges())
    /// Guests that came and went since the last tick, as far as somebody looked.
    var unheard = GuestChanges()
    var journal: DecisionJournal
    var scopeJournal = DecisionJournal()
    var nodes: NodeKeeper
    /// Shared with others that write, held for as long as a write is under way.
    var lock: UnmergeLock?
    /// Somebody un-shares: nothing is written meanwhile.
    var isUnmerging = false
    /// That an Unmerger was killed has been told.
    var isInterruptionTold = false
    private var problems: Set<String> = []
    var logTrouble: String?
    let isDryRun: Bool

    /// - Parameters:
    ///   - policyOverride: `--policy`, which beats the configuration also after a reload.
    ///   - isDryRun: nothing is written, no file of ours either.
    /// - Throws: when what was found at an earlier start cannot be read.
    package init(
        _ root: KernelRoot,
        _ settings: Settings,
        policyOverride: PolicyName? = nil,
        isDryRun: Bool = false
    ) throws(SavedStateError) {
        self.root = root
        self.settings = settings
        self.policyOverride = policyOverride
        self.isDryRun = isDryRun
        sampler = Sampler(root, settings)
        var unread: [String] = []
        let current = sampler.ksm.readAll(problems: &unread)
        saved = try SavedState(
            root,
            current: isDryRun ? current : SavedState.beforeUnmerging(root, current),
            isDryRun: isDryRun
        )
        applier = Applier(
            sampler.ksm,
            saved: saved,
            current: current,
            handling: settings.foreignWrites,
            isDryRun: isDryRun,
            isLive: root.isLive
        )
        sample = Sample(monotonicNanoseconds: Clock.monotonicNanoseconds(), pageSize: GuestDirectory.pageSize)
        sample.ksm = current
        account = ScannerAccount()
        journal = DecisionJournal()
        nodes = NodeKeeper(settings)
        // What an operator said to the ksmd before this one is over.
        if !isDryRun { try? ScopeOverride.remove(root) }
        policy = Tuner.makePolicy(settings, policyOverride)
    }

    private static func makePolicy(_ settings: Settings, _ override: PolicyName?) -> any Policy {
        switch override ?? settings.policy {
        case .classic: ClassicPolicy(settings.classic, metric: settings.guestMetric)
        }
    }

    package var policyName: PolicyName { policy.name }

    /// The time between two ticks in milliseconds.
    package var intervalMilliseconds: UInt64 { settings.effectiveIntervalMilliseconds }

    /// Takes over new settings.
    ///
    /// The classic policy keeps its batch; what others have taken is ksmd's again.
    package func reload(_ settings: Settings) {
        self.settings = settings
        sampler.configure(settings)
        applier.handling = settings.foreignWrites
        applier.forgetForeign(sampler.ksm.readAll(problems: &sample.problems))
        nodes.reload(settings)
        if var classic = policy as? ClassicPolicy {
            classic.parameters = settings.classic
            classic.metric = settings.guestMetric
            policy = classic
        } else {
            policy = Tuner.makePolicy(settings, policyOverride)
        }
        logTrouble = nil
    }

    /// Decides by another policy from now on, whatever the configuration says.
    ///
    /// - Returns: what is to be told; `nil` when it decides already.
    package func setPolicy(_ name: PolicyName, by user: String) -> JournalEntry? {
        policyOverride = name
        guard policy.name != name else { return nil }
        let before = policy.name
        policy = Tuner.makePolicy(settings, name)
        return JournalEntry(
            .notice,
            .policyChanged,
            "The policy is \(name.rawValue) until ksmd starts again; it was \(before.rawValue)",
            fields: [Reason.Field(.policy, name.rawValue), Reason.Field(.by, user)]
        )
    }

    // MARK: The tick

    /// A survey of the guests' page maps has come.
    package func take(_ survey: Survey) { nodes.take(survey) }

    /// A process of ksmd's own has un-shared everything, or has tried to.
    package func unmergeEnded(changed: Bool) {
        isUnmerging = true
        let now = Clock.monotonicNanoseconds()
        if changed { nodes.noteChanged(at: now) } else { nodes.noteFailed(at: now) }
    }

    /// Whether somebody un-shares: then nothing is written.
    package var isPaused: Bool { isUnmerging }

    /// Runs one tick.
    ///
    /// Never fails: what goes wrong becomes an entry, and the next tick tries again.
    /// - Parameters:
    ///   - trigger: what made it necessary.
    ///   - withKSMStats: read the guests' `ksm_stat` here and now; the daemon's loop lets a child do it.
    package func tick(_ trigger: Trigger = .timer, withKSMStats: Bool = false) -> Tick {
        number += 1
        var entries: [JournalEntry] = []
        let isFree = takeLock()
        let guests = sample.guests
        sample = sampler.sample(withKSMStats: withKSMStats)
        unheard.add(GuestChanges(from: guests, to: sample.guests))
        cause = (trigger, number == 1 ? GuestChanges() : unheard)
        unheard = GuestChanges()
        account.take(sample)
        entries += tellProblems()
        entries += readHold()
        let before = isUnmerging
        share(isFree, &entries)
        entries += nodes.take(&sample, root, isUnmerging: before || isUnmerging)
        guard !isUnmerging else {
            return made(lastDecision ?? decide(), [], entries)
        }
        let foreign = applier.observe(sample.ksm, isHeld: hold != nil)
        entries += foreign.map { teller.foreignWrite($0, settings.foreignWrites) }

        let decision = decide()
        lastDecision = decision
        var children = writeScope(&entries)
        let (applied, others) = applier.apply(takeOver(&entries) + afterScope(decision.writes))
        children += others
        entries += journal.take(applied, decision, teller)
        if !root.isLive { sample.ksm = sampler.ksm.readAll(problems: &sample.problems) }
        writeLog(decision, &entries)
        releaseLock()
        var tick = made(decision, children, entries)
        if !isDryRun, hold == nil, nodes.scope?.action == .unmerge { tick.unmergeTo = nodes.scope?.wanted }
        return tick
    }

    private func made(_ decision: Decision, _ children: [Int32], _ entries: [JournalEntry]) -> Tick {
        summaries.take(sample, account)
        return Tick(
            number: number,
            decision: decision,
            children: children,
            entries: entries,
            guestsChanged: !cause.guests.isEmpty
        )
    }

    private func decide() -> Decision {
        guard let hold else { return policy.step(sample) }
        return Decision(writes: [Write(.run, 0)], reason: teller.heldReason(hold))
    }

    /// The advisor, found on, is set to `none`, or left on and not fought.
    private func takeOver(_ entries: inout [JournalEntry]) -> [Write] {
        guard sample.ksm.isAdvised, applier.foreign[.advisor_mode] == nil else { return [] }
        let isFirst = teller.tellsAdvisor()
        if isFirst { entries.append(teller.advisor(settings.advisor)) }
        return settings.advisor == .take ? [Write(.advisor_mode, "none")] : []
    }

    private func readHold() -> [JournalEntry] {
        let before = hold
        hold = Hold.read(root)
        // One that is over would come alive again if the clock were set back.
        if !isDryRun, Hold.read(root, .pause) == nil { try? Hold.resume(root) }
        var entries: [JournalEntry] = []
        if !isDryRun, Hold.takeStart(root) { applier.forgetForeign(sample.ksm) }
        // A pause goes on below a stop.
        let isBelow = before?.kind == .pause && hold?.kind == .stop
        if let before, before.kind != hold?.kind, !isBelow { entries.append(teller.released(before, next: hold)) }
        if let hold, hold != before { entries.append(teller.held(hold)) }
        return entries
    }

    /// Tells each trouble once, and again when it comes back after it had gone.
    private func tellProblems() -> [JournalEntry] {
        let news = sample.problems.filter { !problems.contains($0) }
        problems = Set(sample.problems)
        return news.map { JournalEntry(.warning, .sampleProblem, $0) }
    }

    private func writeLog(_ decision: Decision, _ entries: inout [JournalEntry]) {
        guard settings.debug, !isDryRun else { return }
        do {
            try LegacyLog(root, path: settings.logFile).write(decision.legacyLog)
            logTrouble = nil
        } catch {
            let text = "\(error), so ksmtuned's log lines are lost\(LegacyLog.remark(error))"
            if logTrouble != text { entries.append(JournalEntry(.warning, .configurationWarning, text)) }
            logTrouble = text
        }
    }

    /// Takes in the end of a child that wrote an attribute.
    /// - Returns: what is to be told, and the children that write values which had to wait; `nil` for other children.
    package func finish(pid: Int32, status: Int32?) -> (entries: [JournalEntry], children: [Int32])? {
        guard let (applied, child) = applier.finish(pid: pid, status: status) else { return nil }
        return took(applied, child)
    }

    /// Waits for slow writes without a loop (`--ticks`).
    package func wait(_ children: [Int32], milliseconds: Int32) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        var rest = children
        while let pid = rest.popLast() {
            guard let (applied, child) = applier.wait(pid: pid, milliseconds: milliseconds) else { continue }
            let (told, children) = took(applied, child)
            entries += told
            rest += children
        }
        return entries
    }

    private func took(_ applied: Applier.Applied, _ child: Int32?) -> ([JournalEntry], [Int32]) {
        if let value = try? sampler.ksm.read(applied.write.attribute) { sample.ksm[applied.write.attribute] = value }
        var children = child.map { [$0] } ?? []
        var entries: [JournalEntry]
        if applied.write.attribute == .merge_across_nodes {
            entries = scopeJournal.take(late: applied, teller)
            if applied.outcome == .written { nodes.noteChanged(at: Clock.monotonicNanoseconds()) }
            entries += afterScope(&children)
        } else {
            entries = journal.take(late: applied, teller)
        }
        releaseLock()
        return (entries, children)
    }
}
