package import KSMModel

/// What `ksmctl status` shows: the kernel as it is now, and what the daemon says about itself.
package struct StatusReport: Sendable {
    /// Whether a daemon runs.
    package enum Daemon: Equatable, Sendable {
        /// It holds its lock.
        case running(pid: Int32)
        case notRunning
        /// A recorded machine: the state file speaks, if it was recorded.
        case recorded
        /// The lock could not be looked at; the state file, if there, is the best guess.
        case unknown
    }

    /// The kernel as it is now.
    package var sample: Sample
    /// Whether a daemon runs.
    package var daemon: Daemon
    /// What could not be read beside what the sample names: a sentence each.
    package var problems: [String] = []
    /// What the operator can do about it, if anything.
    package var remedy: String?
    /// CLOCK_REALTIME of the machine; `nil` where it is not known (a recorded machine), and then no age is shown.
    package var nowRealtimeSeconds: UInt64?
    /// Warnings of the caller, shown before all others.
    package var notes: [String] = []
    /// A hold that outlives a daemon which does not run.
    package var hold: StateReport.Hold?

    private var stateFile: StateReport?

    /// - Parameters:
    ///   - stateFile: the daemon's report, if there is one; it is left aside when another process wrote it.
    package init(sample: Sample, daemon: Daemon, stateFile: StateReport?) {
        self.sample = sample
        self.daemon = daemon
        self.stateFile = stateFile
    }

    /// What could not be read, and why.
    package var unreadable: [String] { sample.problems + problems }

    /// The report of the daemon that runs now.
    package var daemonReport: StateReport? {
        switch daemon {
        case .running(let pid): stateFile.flatMap { $0.pid == pid ? $0 : nil }
        case .recorded, .unknown: stateFile
        case .notRunning: nil
        }
    }

    /// Whether the kernel has no KSM (or hides it).
    package var isKSMAbsent: Bool {
        Attribute.allCases.allSatisfy { sample.ksm[$0] == nil }
    }

    /// One word: the daemon's state, else what `run` says.
    package var state: String {
        if isKSMAbsent { return "unavailable" }
        return daemonReport?.state.rawValue ?? kernelState
    }

    private var kernelState: String {
        switch sample.ksm.run {
        case 0: "stopped"
        case 1: "scanning"
        case 2: "unmerged"
        default: "unknown"
        }
    }

    /// Why, for machines.
    package var reasonCode: String {
        if isKSMAbsent { return "no-ksm" }
        if let daemonReport { return daemonReport.reasonCode }
        return daemon == .notRunning ? "no-daemon" : "no-report"
    }

    /// Why, as a sentence.
    package var reason: String {
        if isKSMAbsent {
            return "this kernel has no KSM: /sys/kernel/mm/ksm is missing (CONFIG_KSM is off, or sysfs is not mounted)"
        }
        if let daemonReport { return daemonReport.reason }
        return switch daemon {
        case .running(let pid): "ksmd (pid \(pid)) has not reported yet"
        case .notRunning: "ksmd is not running"
        case .recorded: "the record holds no report of ksmd"
        case .unknown: "whether ksmd is running could not be found out"
        }
    }

    /// The guests as they are now, completed by what only the daemon may see.
    package var guests: [StateReport.Guest] {
        let known = daemonReport?.guests ?? []
        return sample.guests.map { guest in
            var result = StateReport.Guest(guest, host: sample.ksm, pageSize: sample.pageSize)
            let match = known.first { $0.pid == result.pid && $0.startTicks == result.startTicks }
            if let match {
                result.mergedBytes = result.mergedBytes ?? match.mergedBytes
                // Without ksm_stat the guest's zero pages are missing in what was computed here.
                if guest.ksmStat == nil { result.savedBytes = match.savedBytes ?? result.savedBytes }
                result.profitBytes = result.profitBytes ?? match.profitBytes
            }
            return result
        }
    }

    /// Seconds from `moment` to now; `nil` where either is unknown.
    func age(of moment: UInt64?) -> UInt64? {
        guard let moment, let nowRealtimeSeconds else { return nil }
        return nowRealtimeSeconds >= moment ? nowRealtimeSeconds - moment : 0
    }
}
