import KSMKernel
import KSMModel
import KSMSystemd

extension Daemon {
    /// `ksmd --restore`: puts back what a ksmd that was killed has left.
    ///
    /// - Returns: the exit status.
    package static func restore(_ options: DaemonOptions) throws(Refusal) -> Int32 {
        let place = try Workplace(options)
        let journal = JournalWriter()
        let sysfs = KSMSysfs(place.root, buffer: ReadBuffer())
        do {
            guard let earlier = try SavedState.read(place.root) else {
                journal.write(.info, "Nothing to put back: there is no \(SavedState.path)", id: .settingsRestored)
                return ExitStatus.success
            }
            guard earlier.bootID == SavedState.bootID(place.root) else {
                try? place.root.remove(SavedState.path)
                journal.write(.info, "Nothing to put back: the machine has booted since", id: .settingsRestored)
                return ExitStatus.success
            }
            let saved = try SavedState(place.root, current: KSMAttributes(), isDryRun: options.dryRun)
            return restore(saved, sysfs, place, journal)
        } catch {
            throw Refusal(description: error.description, status: ExitStatus.failure)
        }
    }

    private static func restore(
        _ saved: SavedState,
        _ sysfs: KSMSysfs,
        _ place: Workplace,
        _ journal: JournalWriter
    ) -> Int32 {
        let restorer = Restorer(
            sysfs,
            saved,
            SlowWriter(sysfs),
            isLive: place.root.isLive,
            keepStopped: false,
            isHeld: Hold.read(place.root) != nil
        )
        restorer.run(milliseconds: Int32(restoreDeadlineMilliseconds))
        restorer.conclude()?.write(to: journal)
        try? StateFile(place.root).remove()
        return restorer.succeeded ? ExitStatus.success : ExitStatus.failure
    }
}
