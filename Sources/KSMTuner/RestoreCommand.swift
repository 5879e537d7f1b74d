import Glibc
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
        do {
            let lock = try UnmergeLock.wait(place.root, milliseconds: restoreDeadlineMilliseconds)
            defer { withExtendedLifetime(lock) {} }
            // What an Unmerger has changed for the time of its work comes back first: ksmd's own is older.
            let left = try restore(SavedState.unmergePath, place, options, journal)
            let saved = try restore(SavedState.path, place, options, journal)
            if left == nil, saved == nil {
                journal.write(.info, "Nothing to put back: there is no \(SavedState.path)", id: .settingsRestored)
            }
            return max(left ?? ExitStatus.success, saved ?? ExitStatus.success)
        } catch let error as SystemError where error.errno == EWOULDBLOCK {
            throw Refusal(description: "Somebody is un-sharing memory: \(error)", status: ExitStatus.failure)
        } catch let error as SavedStateError {
            throw Refusal(error)
        } catch {
            throw Refusal(description: "\(error)", status: ExitStatus.failure)
        }
    }

    /// One file of found settings.
    ///
    /// - Returns: `nil` when there is none.
    private static func restore(
        _ path: String,
        _ place: Workplace,
        _ options: DaemonOptions,
        _ journal: JournalWriter
    ) throws(SavedStateError) -> Int32? {
        guard let earlier = try SavedState.read(place.root, path) else { return nil }
        guard earlier.bootID == SavedState.bootID(place.root) else {
            try? place.root.remove(path)
            journal.write(.info, "Nothing to put back: the machine has booted since", id: .settingsRestored)
            return ExitStatus.success
        }
        let saved = try SavedState(place.root, current: KSMAttributes(), isDryRun: options.dryRun, path: path)
        return restore(saved, KSMSysfs(place.root, buffer: ReadBuffer()), place, journal)
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
