import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd
import KSMText

/// What the daemon does when somebody asks over the bus: the same as `ksmctl` brings about with files and signals.
extension Daemon {
    /// Who asks: the bus lets only root call.
    private static let caller = "root (over the bus)"

    func openBus() {
        guard place.root.isLive, !options.dryRun else { return }
        bus = BusService(
            loop,
            .system,
            events,
            requests,
            lastDecision: { [unowned self] in lastDecision },
            onOwned: { [unowned self] in publish() },
            tell: { [unowned self] in tell([$0]) }
        )
        bus?.connect()
    }

    private var requests: BusService.Requests {
        BusService.Requests(
            retune: { [unowned self] in retune() },
            reload: { [unowned self] () throws(BusFailure) in
                if let trouble = reload() { throw .ksmd("Failed", trouble) }
            },
            start: { [unowned self] () throws(BusFailure) in
                try speak { (root) throws(SystemError) in try Hold.release(root) }
            },
            stop: { [unowned self] () throws(BusFailure) in
                try speak { (root) throws(SystemError) in
                    try Hold.write(root, .init(by: Daemon.caller, sinceRealtimeSeconds: Clock.realtimeSeconds()))
                }
            },
            pause: { [unowned self] until, reason throws(BusFailure) in try pause(until, reason) },
            resume: { [unowned self] () throws(BusFailure) in
                try speak { (root) throws(SystemError) in try Hold.resume(root) }
            },
            unmerge: { [unowned self] isForced throws(BusFailure) in
                try unshare(ScopeCommand(nil, by: Daemon.caller, isForced: isForced, options))
            },
            setScope: { [unowned self] scope throws(BusFailure) in try setScope(scope) },
            setPolicy: { [unowned self] name throws(BusFailure) in try setPolicy(name) }
        )
    }

    /// Leaves the operator's word in its file, and acts on it.
    private func speak(_ body: (KernelRoot) throws(SystemError) -> Void) throws(BusFailure) {
        do throws(SystemError) {
            try body(place.root)
        } catch {
            throw .ksmd("Failed", error.description)
        }
        adjust(.operator)
    }

    /// - Parameter until: CLOCK_REALTIME in microseconds; 0 has no end.
    private func pause(_ until: UInt64, _ reason: String) throws(BusFailure) {
        let now = Clock.realtimeSeconds()
        guard until == 0 || until / 1_000_000 > now else {
            throw .invalidArguments("the pause would have ended already")
        }
        var hold = StateReport.Hold(.pause, by: Daemon.caller, sinceRealtimeSeconds: now)
        hold.untilRealtimeSeconds = until == 0 ? nil : until / 1_000_000
        guard reason.utf8.count <= HoldText.longestReason else {
            throw .invalidArguments("the reason has more than \(HoldText.longestReason) bytes")
        }
        hold.reason = reason.isEmpty ? nil : Human.plain(reason)
        try speak { (root) throws(SystemError) in try Hold.write(root, hold) }
    }

    private func setScope(_ name: String) throws(BusFailure) -> ScopeCommand? {
        guard let setting = ScopeSetting(rawValue: name) else {
            let names = ScopeSetting.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArguments("there is no scope \"\(Human.plain(name))\"; it is one of \(names)")
        }
        if let scope = MergeScope(rawValue: name) {
            return try unshare(ScopeCommand(scope, by: Daemon.caller, options))
        }
        let word = ScopeOverride(setting, by: Daemon.caller, sinceRealtimeSeconds: Clock.realtimeSeconds())
        try speak { (root) throws(SystemError) in try word.write(root) }
        return nil
    }

    private func unshare(_ command: ScopeCommand) throws(BusFailure) -> ScopeCommand {
        if let hold = Hold.read(place.root, .pause) { throw .ksmd("Held", "KSM is paused: \(hold.sentence)") }
        guard !helpers.isUnmerging, !tuner.isPaused else { throw .ksmd("Busy", "somebody un-shares memory already") }
        do {
            watch([try helpers.start(command)])
        } catch {
            throw .ksmd("Failed", error.description)
        }
        return command
    }

    private func setPolicy(_ name: String) throws(BusFailure) {
        guard let policy = PolicyName(rawValue: name) else {
            let names = PolicyName.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArguments("there is no policy \"\(Human.plain(name))\"; it is one of \(names)")
        }
        if let entry = tuner.setPolicy(policy, by: Daemon.caller) { tell([entry], for: .operator) }
        adjust(.operator)
    }
}
