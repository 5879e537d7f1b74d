import CLinux
import Glibc
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport
import KSMSystemd

/// The daemon: one thread, one event loop that drives the tuner.
package final class Daemon {
    /// The version of the programs.
    package static let version = "0.1.0"

    /// How long a stop waits for the kernel to take the settings back; a batch takes milliseconds, and systemd kills
    /// after 90 s (DefaultTimeoutStopSec).
    static let restoreDeadlineMilliseconds: UInt64 = 30_000

    let options: DaemonOptions
    let place: Workplace
    let tuner: Tuner
    private let journal = JournalWriter()
    let notifier = Notifier()
    let stateFile: StateFile
    let loop: EventLoop
    private let probe: GuestProbe
    let helpers: Helpers
    private var base: StateReport
    let events: EventWatch
    var pacer = EventPacer()
    var pressurePoll = PressurePoll()
    var bus: BusService?
    var timer: TimerSource?
    var lookTimer: TimerSource?
    var pacerTimer: TimerSource?
    var pauseTimer: TimerSource?
    var summaryTimer: TimerSource?
    /// Milliseconds, as armed.
    var summaryInterval: UInt64?
    var restorer: Restorer?
    var isStopping = false
    private var stateTrouble: String?
    /// The last change, as the journal has it, and when.
    var lastDecision: (message: String, realtimeMicroseconds: UInt64)?

    /// - Throws: with the reason why ksmd cannot work here.
    package init(_ options: DaemonOptions) throws(Refusal) {
        self.options = options
        place = try Workplace(options)
        do {
            tuner = try Tuner(place.root, place.settings, policyOverride: options.policy, isDryRun: options.dryRun)
        } catch {
            throw Refusal(error)
        }
        do {
            loop = try EventLoop()
        } catch {
            throw Refusal(description: error.description, status: ExitStatus.failure)
        }
        events = EventWatch(loop, place.root)
        stateFile = StateFile(place.root)
        probe = GuestProbe(tuner.sampler.guests, place.root)
        helpers = Helpers(place.root, options)
        base = StateReport(pid: getpid(), daemonVersion: Daemon.version, policy: tuner.policyName.rawValue)
        base.startedBootSeconds = Clock.bootSeconds()
        base.startedRealtimeSeconds = Clock.realtimeSeconds()
    }

    /// Runs until it is told to stop.
    ///
    /// - Returns: the exit status.
    package func run() -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        ksmd_map_large_memory()
        tell(place.warnings.map { JournalEntry(.warning, .configurationWarning, $0) })
        return options.ticks.map { runTicks($0) } ?? runLoop()
    }

    // MARK: Without a loop

    /// `--ticks N`: N ticks without waiting between them.
    ///
    /// On the running machine the settings come back afterwards; a recorded machine is left as the last tick wrote it,
    /// to be looked at.
    private func runTicks(_ count: UInt64) -> Int32 {
        for _ in 0..<count {
            let tick = tuner.tick(withKSMStats: true)
            tell(tick.entries)
            tell(tuner.wait(tick.children, milliseconds: Int32(Daemon.restoreDeadlineMilliseconds)))
            if !print(tick) { break }
            publish()
        }
        guard place.root.isLive, !options.dryRun, place.settings.onStop != .leave else { return ExitStatus.success }
        let restorer = makeRestorer()
        restorer.run(milliseconds: Int32(Daemon.restoreDeadlineMilliseconds))
        tell(restorer.conclude().map { [$0] } ?? [])
        try? stateFile.remove()
        return restorer.failed ? ExitStatus.failure : ExitStatus.success
    }

    private func print(_ tick: Tuner.Tick) -> Bool {
        guard options.json else { return true }
        let numa = tuner.numaReport
        let line = TickJSON.text(
            tick: tick.number,
            policy: tuner.policyName,
            tick.decision,
            numa: (numa.scope, numa.activation)
        )
        return TickJSON.print(line)
    }

    // MARK: With the loop

    private func runLoop() -> Int32 {
        do {
            try loop.addSignal(SIGTERM) { [unowned self] in stop("SIGTERM") }
            try loop.addSignal(SIGINT) { [unowned self] in stop("SIGINT") }
            try loop.addSignal(SIGHUP) { [unowned self] in _ = reload() }
            try loop.addSignal(SIGUSR1) { [unowned self] in retune() }
            setWatchdog()
            notifier.ready(status: "Started; no tick yet")
            tellStarted()
            tick(.start)
            openEvents()
            openBus()
            publish()
            ksmd_forget_startup_code()
            timer = try loop.addTimer(afterMilliseconds: interval, accuracyMilliseconds: accuracy) { [unowned self] in
                onTimer($0)
            }
            return try loop.run()
        } catch {
            tell([JournalEntry(.critical, .stopped, "\(error); ksmd cannot go on")])
            return ExitStatus.failure
        }
    }

    var interval: UInt64 { tuner.intervalMilliseconds }

    /// A tenth of the interval, at most a second, for the kernel to join wakeups.
    private var accuracy: UInt64 { min(interval / 10, 1000) }

    private func onTimer(_ source: TimerSource) {
        tick()
        let period = interval * 1000
        // After a suspension or a long stall the missed ticks are not made up for.
        source.rearm(at: max(source.deadline + period, loop.now()))
    }

    func tick(_ trigger: Trigger = .timer) {
        guard !isStopping else { return }
        let tick = tuner.tick(trigger)
        pacer.noteTick()
        tell(tick.entries)
        if tick.guestsChanged { events.watchEnds(of: tuner.sample.guests) }
        watch(tick.children)
        if let child = probe.start(now: Clock.monotonicNanoseconds()) { watch([child]) }
        if !options.dryRun { help(tick) }
        if !print(tick) { stop("closed standard output") }
        publish()
        notifier.watchdog()
        rearmLook()
        armPauseEnd()
        ksmd_return_free_memory()
    }

    /// Waits for children in the loop, and says so when one takes long.
    func watch(_ children: [Int32]) {
        for pid in children {
            do {
                try loop.addChild(pid: pid) { [unowned self] in ended(pid, $0) }
            } catch {
                // The child ended before it could be watched.
                ended(pid, .killed(signal: 0))
            }
        }
        guard !children.isEmpty else { return }
        let patience = Tuner.patienceNanoseconds / 1_000_000 + 100
        _ = try? loop.addTimer(afterMilliseconds: patience, accuracyMilliseconds: 100) { [unowned self] _ in
            if !tuner.applier.slow.isIdle { publish() }
        }
    }

    private func ended(_ pid: Int32, _ end: ChildEnd) {
        let status: Int32? = if case .exited(let code) = end { code } else { nil }
        if let restorer {
            if let child = restorer.finish(pid: pid, status: status) { watch([child]) }
            if restorer.isDone { conclude(restorer) }
        } else if probe.finish(pid: pid) {
            publish()
        } else if helped(pid, status) {
            publish()
        } else if let (entries, children) = tuner.finish(pid: pid, status: status) {
            tell(entries)
            watch(children)
            publish()
        }
    }

    /// Starts what other processes are to do: to look into guests' page maps, to un-share.
    private func help(_ tick: Tuner.Tick) {
        let (children, entries) = helpers.start(now: Clock.monotonicNanoseconds(), tuner.sample.guests, tick.unmergeTo)
        tell(entries)
        watch(children)
    }

    /// - Returns: whether the child was one of those.
    private func helped(_ pid: Int32, _ status: Int32?) -> Bool {
        guard let end = helpers.finish(pid: pid, status: status) else { return false }
        switch end {
        case .survey(let survey): tuner.take(survey)
        case .failed(let entry): tell(entry.map { [$0] } ?? [])
        case .unmerged(let isDone, let command):
            tuner.unmergeEnded(changed: isDone)
            self.tick(.helper)
            bus?.ended(command, isDone: isDone)
        }
        return true
    }

    /// SIGUSR1: adjusts now, and the interval begins anew.
    ///
    /// Retunes in a row are one adjustment; a guest that came with a later one is looked for.
    func retune() {
        guard !isStopping else { return }
        let isOperator =
            Hold.read(place.root) != tuner.hold || Hold.isStartWanted(place.root) || tuner.isScopeWordNew
        if !isOperator, pacer.isWithinWindow(at: loop.now()) {
            pacer.noteEvent(at: loop.now())
            return armPacer()
        }
        adjust(isOperator ? .operator : .retune)
    }

    /// SIGHUP: reads the configuration again; one that cannot be read leaves the settings as they are.
    /// - Returns: why it cannot be read.
    @discardableResult
    func reload() -> String? {
        guard !isStopping else { return "ksmd stops" }
        notifier.reloading()
        var trouble: String?
        do {
            let configuration = try Workplace.configuration(place.root, options)
            tell(configuration.warnings.map { JournalEntry(.warning, .configurationWarning, $0.description) })
            tuner.reload(configuration.settings)
            setWatchdog()
            timer?.rearm(at: loop.now() + interval * 1000)
            reopenEvents()
        } catch {
            trouble = "\(error); the settings stay as they are"
            tell([JournalEntry(.error, .configurationWarning, trouble ?? "")])
        }
        notifier.ready()
        tick(.reload)
        ksmd_forget_startup_code()
        return trouble
    }

    /// The service manager waits for at least three ticks before it takes silence for a hang.
    private func setWatchdog() {
        guard let given = notifier.watchdogIntervalMicroseconds else { return }
        notifier.watchdogUSec(max(given, 3 * interval * 1000))
    }

    // MARK: Telling

    func tell(_ entries: [JournalEntry], for trigger: Trigger? = nil) {
        for entry in tuner.complete(entries, trigger: trigger) {
            entry.write(to: journal)
            if entry.id.isDecision { lastDecision = (entry.message, Clock.realtimeMicroseconds()) }
        }
    }

    private func tellStarted() {
        let ksm = tuner.sample.ksm
        let found = Attribute.settings.compactMap { attribute in ksm[attribute].map { "\(attribute.name)=\($0)" } }
        let fields = [Reason.Field(.policy, tuner.policyName.rawValue), Reason.Field(.version, Daemon.version)]
        tell([
            JournalEntry(
                .info,
                .started,
                "ksmd \(Daemon.version) started with policy \(tuner.policyName.rawValue), every "
                    + "\(Human.interval(milliseconds: interval)); found \(found.joined(separator: " "))",
                fields: fields
            )
        ])
    }

    func tellStopped(_ cause: String, _ what: String) {
        tell([JournalEntry(.info, .stopped, "ksmd stops (\(cause)): \(what)")], for: .stop)
    }

    /// Writes the state file and the status line.
    func publish() {
        var report = tuner.report(reportBase())
        report.events = events.report
        bus?.show(report)
        notifier.status(Teller().status(report))
        guard !options.dryRun else { return }
        do {
            try stateFile.write(report)
            stateTrouble = nil
        } catch {
            if stateTrouble == nil { tell([JournalEntry(.warning, .sampleProblem, error.description)]) }
            stateTrouble = error.description
        }
    }

    private func reportBase() -> StateReport {
        base.lastTickRealtimeSeconds = Clock.realtimeSeconds()
        return base
    }
}
