import Glibc
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// What `ksmctl numa set` does.
struct ScopeChange {
    private let control: Control
    private let settings: Settings
    private let setting: ScopeSetting
    private let options: UnmergeOptions
    private let output: OutputOptions
    private let word: ScopeOverride

    init(
        _ control: Control,
        _ settings: Settings,
        _ setting: ScopeSetting,
        _ options: UnmergeOptions,
        _ output: OutputOptions
    ) {
        self.control = control
        self.settings = settings
        self.setting = setting
        self.options = options
        self.output = output
        word = ScopeOverride(setting, by: Operator.name(), sinceRealtimeSeconds: Clock.realtimeSeconds())
    }

    private func job(_ scope: MergeScope) -> UnmergeJob { UnmergeJob(control, settings, scope: scope, options, output) }

    // MARK: local and across

    /// Makes the scope what it is to be, through the one guarded path.
    func make(_ scope: MergeScope) throws {
        let job = job(scope)
        if options.isDryRun {
            guard try current() != scope else { return try say("unchanged", "it is \(scope.rawValue) already") }
            return try job.printPlan(.init(setting: setting))
        }
        try control.checkPermission()
        try make(job)
    }

    /// What was said is there before the daemon may write again: it would choose for itself otherwise.
    ///
    /// And not before everything is un-shared: a command that is killed until then has said nothing.
    private func make(_ job: UnmergeJob) throws {
        let before = ScopeOverride.read(control.root)
        let result = job.run { try? word.write(control.root) }
        guard result.outcome == .done || result.outcome == .unchanged else {
            putBack(before)
            return try job.report(result, .init(setting: setting))
        }
        try save()
        let daemon = try tellDaemon().pid
        try job.report(result, .init(setting: setting, daemon: daemon, remark: untilRestart(daemon)))
    }

    private func putBack(_ before: ScopeOverride?) {
        if let before { try? before.write(control.root) } else { try? ScopeOverride.remove(control.root) }
    }

    private func untilRestart(_ daemon: Int32?) -> String? {
        daemon == nil ? nil : "ksmd keeps it so until it starts again."
    }

    // MARK: auto and leave

    /// ksmd keeps its hands off the attribute.
    func leave() throws {
        let scope = try current().map { "merge_across_nodes stays \($0.value) (\($0.rawValue))" } ?? "it is not there"
        if options.isDryRun { return try say("planned", scope) }
        try control.checkPermission()
        try save()
        let daemon = try tellDaemon().pid
        try say(
            "done",
            scope,
            daemon: daemon,
            remark: daemon == nil ? nil : "ksmd does not touch it until it starts again."
        )
    }

    /// ksmd chooses; without it the choice is made here, as far as nothing has to be un-shared for it.
    func auto() throws {
        if options.isDryRun { return try explain(decision(), "planned") }
        try control.checkPermission()
        try save()
        let daemon = try tellDaemon()
        if let scope = daemon.report?.numa?.scope { return try explain(scope, "done", daemon: daemon.pid) }
        guard daemon.pid == nil else {
            return try say("done", "ksmd has been told and has not answered yet", daemon: daemon.pid)
        }
        let decision = decision()
        guard decision.action == .write, let wanted = decision.wanted else { return try explain(decision, "done") }
        let job = job(wanted)
        try job.report(job.run {}, .init(setting: setting, remark: decision.reason))
    }

    private func decision() -> StateReport.NUMA.Scope {
        .init(NumaLook.decision(Sampler(control.root, settings).sample(), settings, .auto))
    }

    /// Says what was decided; with what it would take where everything has to be un-shared first.
    private func explain(_ scope: StateReport.NUMA.Scope, _ outcome: String, daemon: Int32? = nil) throws {
        let needsUnmerge = scope.action != .write && scope.wanted != nil && scope.wanted != scope.current
        let plan = needsUnmerge ? Unmerger(control.root, settings).plan() : nil
        let text = UnmergeOutcome(
            outcome: outcome,
            sentence: scope.reason,
            plan: plan,
            extra: .init(setting: setting, daemon: daemon)
        )
        if output.wantsJSON { return output.printJSON { text.write(to: &$0) } }
        print(text.text, terminator: "")
        if let plan { print("\n" + UnmergePlanReport(plan).text(pageSize: GuestDirectory.pageSize), terminator: "") }
    }

    // MARK: Pieces

    private func current() throws -> MergeScope? {
        do throws(AttributeError) {
            return try control.sysfs.read(.merge_across_nodes)?.unsignedValue.flatMap { MergeScope(value: $0) }
        } catch {
            throw Failure(ExitStatus.failure, error.description)
        }
    }

    private func save() throws {
        do throws(SystemError) {
            try word.write(control.root)
        } catch {
            throw Failure(error)
        }
    }

    private func tellDaemon() throws -> (pid: Int32?, report: StateReport?) {
        guard let daemon = try control.daemon() else { return (nil, nil) }
        return (daemon, try control.retune(daemon))
    }

    private func say(_ outcome: String, _ sentence: String, daemon: Int32? = nil, remark: String? = nil) throws {
        let extra = UnmergeOutcome.Extra(setting: setting, daemon: daemon, remark: remark)
        let text = UnmergeOutcome(outcome: outcome, sentence: sentence, extra: extra)
        output.wantsJSON ? output.printJSON { text.write(to: &$0) } : print(text.text, terminator: "")
    }
}
