import Glibc
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport
import KSMSystemd

/// What happens between two ticks of the interval: events, looks at the guests, the end of a pause, the summary.
extension Daemon {
    /// Without a source that tells of guests, a new one is listed within a second: this, `lookAccuracyMilliseconds`,
    /// and 30 ms for the look itself.
    static let busyLookMilliseconds: UInt64 = 950
    /// On a host without guests where nobody scans it is within ten seconds.
    static let idleLookMilliseconds: UInt64 = 9900
    /// The second pair of eyes where sources tell: guests without KVM, outside the watched cgroups, are seen too.
    ///
    /// Five looks and a tick are the six wakeups a minute that an idle host is allowed.
    static let toldLookMilliseconds: UInt64 = 11_000
    /// How much later than that a look may be, for the kernel to join wakeups.
    static let lookAccuracyMilliseconds: UInt64 = 20

    /// Opens the event sources and begins to look.
    func openEvents() {
        events.onGuests = { [unowned self] in
            pacer.noteEvent(at: loop.now())
            armPacer()
        }
        events.onPressure = { [unowned self] in pressed() }
        events.onTrouble = { [unowned self] in
            tell([$0])
            rearmLook()
        }
        events.open(tuner.settings)
        events.watchEnds(of: tuner.sample.guests)
        lookTimer = try? loop.addTimer(
            afterMilliseconds: lookInterval,
            accuracyMilliseconds: Daemon.lookAccuracyMilliseconds
        ) { [unowned self] _ in look() }
        armSummary()
    }

    /// Opens them anew, as the configuration says now.
    func reopenEvents() {
        events.open(tuner.settings)
        events.watchEnds(of: tuner.sample.guests)
        bus?.announce()
        rearmLook()
        armSummary(isReload: true)
    }

    // MARK: Looking

    private var lookInterval: UInt64 {
        if events.tellsOfGuests { return Daemon.toldLookMilliseconds }
        let isIdle = tuner.sample.guests.isEmpty && !tuner.sample.ksm.isRunning
        return isIdle ? Daemon.idleLookMilliseconds : Daemon.busyLookMilliseconds
    }

    /// A tick counts as a look.
    func rearmLook() { lookTimer?.rearm(at: loop.now() + lookInterval * 1000) }

    private func look() {
        guard !isStopping else { return }
        if lookAtGuests() { armPacer() }
        if events.needsPressurePoll {
            let now = loop.now()
            if pressurePoll.take(tuner.readPressure(), at: now, stallPermille: EventWatch.stallPermille) { pressed() }
        }
        bus?.connect()
        rearmLook()
    }

    /// - Returns: whether guests came or went.
    private func lookAtGuests() -> Bool {
        guard tuner.lookAtGuests() else { return false }
        events.watchEnds(of: tuner.sample.guests)
        pacer.noteChange(at: loop.now())
        publish()
        return true
    }

    // MARK: Events

    /// Tasks wait for memory: worth a tick where the policy would answer.
    private func pressed() {
        guard !isStopping, tuner.isPressed() else { return }
        pacer.notePressure(at: loop.now())
        armPacer()
    }

    func armPacer() {
        guard let next = pacer.next, !isStopping else { return }
        if let pacerTimer { return pacerTimer.rearm(at: next) }
        let now = loop.now()
        pacerTimer = try? loop.addTimer(
            afterMilliseconds: next > now ? (next - now) / 1000 : 0,
            accuracyMilliseconds: 10
        ) { [unowned self] _ in runPacer() }
    }

    private func runPacer() {
        guard !isStopping else { return }
        switch pacer.take(at: loop.now()) {
        case .look: _ = lookAtGuests()
        case .adjust(let cause): adjust(cause == .guests ? .guest : .pressure)
        case nil: break
        }
        armPacer()
    }

    /// A tick for something that has happened; the interval begins anew.
    func adjust(_ trigger: Trigger) {
        tick(trigger)
        pacer.noteAdjustment(at: loop.now())
        timer?.rearm(at: loop.now() + interval * 1000)
    }

    // MARK: The end of a pause

    /// Ends a pause at its time: a tick finds that it is over.
    ///
    /// The clock may be set meanwhile, so a long pause is looked at once a minute.
    func armPauseEnd() {
        guard let until = tuner.hold?.untilRealtimeSeconds, !isStopping else { return }
        let now = Clock.realtimeSeconds()
        let seconds = min(until > now ? until - now : 0, 60)
        if let pauseTimer { return pauseTimer.rearm(at: loop.now() + seconds * 1_000_000) }
        pauseTimer = try? loop.addTimer(afterMilliseconds: seconds * 1000, accuracyMilliseconds: 100) {
            [unowned self] _ in checkPause()
        }
    }

    private func checkPause() {
        guard tuner.hold?.untilRealtimeSeconds != nil else { return }
        Hold.read(place.root) == tuner.hold ? armPauseEnd() : adjust(.operator)
    }

    // MARK: The summary

    /// - Parameter isReload: the configuration was read again, and may say what it said.
    private func armSummary(isReload: Bool = false) {
        let interval = tuner.settings.summaryMilliseconds
        if isReload, interval == summaryInterval { return }
        summaryInterval = interval
        guard interval > 0 else { return summaryTimer?.disable() ?? () }
        if let summaryTimer { return summaryTimer.rearm(at: loop.now() + interval * 1000) }
        summaryTimer = try? loop.addTimer(afterMilliseconds: interval, accuracyMilliseconds: min(1000, interval / 10)) {
            [unowned self] _ in
            if let entry = tuner.summary() { tell([entry]) }
            armSummary()
        }
    }
}
