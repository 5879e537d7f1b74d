import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd

/// The daemon's end: what it found comes back.
extension Daemon {
    func stop(_ cause: String) {
        guard !isStopping else { return }
        isStopping = true
        notifier.stopping(status: "Stopping: putting KSM's settings back")
        for timer in [timer, lookTimer, pacerTimer, pauseTimer, summaryTimer] { timer?.disable() }
        bus?.close()
        helpers.breakOff()
        if options.dryRun || tuner.settings.onStop == .leave {
            tellStopped(cause, "KSM's settings stay as they are; ksmd --restore puts them back")
            return end(ExitStatus.success)
        }
        tellStopped(cause, "putting KSM's settings back")
        restore(until: loop.now() + Daemon.restoreDeadlineMilliseconds * 1000)
    }

    /// Puts everything back as soon as nobody un-shares any more.
    func restore(until deadline: UInt64) {
        guard tuner.mayWrite() else {
            guard loop.now() < deadline, let waited = try? again({ [unowned self] in restore(until: deadline) }) else {
                tell([JournalEntry(.warning, .restoreIncomplete, Teller().stoppedWhileUnmerging)])
                return end(ExitStatus.failure)
            }
            return waited
        }
        let restorer = makeRestorer()
        self.restorer = restorer
        if let child = restorer.advance() { watch([child]) }
        if restorer.isDone { return conclude(restorer) }
        _ = try? loop.addTimer(afterMilliseconds: Daemon.restoreDeadlineMilliseconds, accuracyMilliseconds: 100) {
            [unowned self] _ in conclude(restorer)
        }
    }

    /// Looks again in a tenth of a second.
    func again(_ body: @escaping () -> Void) throws {
        _ = try loop.addTimer(afterMilliseconds: 100, accuracyMilliseconds: 10) { _ in body() }
    }

    func makeRestorer() -> Restorer {
        return Restorer(
            tuner.sampler.ksm,
            tuner.saved,
            tuner.applier.slow,
            isLive: place.root.isLive,
            keepStopped: tuner.settings.onStop == .stop,
            isHeld: tuner.hold != nil
        )
    }

    func conclude(_ restorer: Restorer) {
        tell(restorer.conclude().map { [$0] } ?? [])
        end(restorer.failed ? ExitStatus.failure : ExitStatus.success)
    }

    func end(_ status: Int32) {
        if !options.dryRun { try? stateFile.remove() }
        loop.exit(code: status)
    }
}
