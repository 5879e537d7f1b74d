import ArgumentParser
import Glibc
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport
import KSMTuner

/// How a command that un-shares is to go about it.
struct UnmergeOptions: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: "Print what it would take, and change nothing.")
    var isDryRun = false

    @Flag(
        name: .customLong("force"),
        help: "Try it although memory does not hold it: the kernel may kill guests to get what is missing."
    )
    var isForced = false
}

/// One un-sharing from the command line: the plan or the work, the progress, and what is said about it.
struct UnmergeJob {
    let control: Control
    let settings: Settings
    let request: Unmerger.Request
    let output: OutputOptions

    init(
        _ control: Control,
        _ settings: Settings,
        scope: MergeScope?,
        _ options: UnmergeOptions,
        _ output: OutputOptions
    ) {
        self.control = control
        self.settings = settings
        self.output = output
        request = Unmerger.Request(scope: scope, force: options.isForced)
    }

    // MARK: The plan

    /// What it would take, and whether it would be done.
    ///
    /// - Throws: when it would be refused.
    func printPlan(_ extra: UnmergeOutcome.Extra = .init()) throws {
        let plan = Unmerger(control.root, settings).plan()
        let refusal = UnmergeJob.refusal(plan)
        let isRefused = refusal != nil && !request.force
        let outcome = UnmergeOutcome(
            outcome: isRefused ? "refused" : "planned",
            sentence: refusal ?? "memory holds it",
            plan: plan,
            extra: extra
        )
        output.wantsJSON ? output.printJSON { outcome.write(to: &$0) } : print(outcome.planText, terminator: "")
        if isRefused, let refusal { throw Failure(ExitStatus.failure, refusal) }
    }

    /// What memory lacks, as one sentence; `nil` when it lacks nothing.
    static func refusal(_ plan: UnmergePlan) -> String? {
        if plan.unmet.isEmpty { return nil }
        let sentences = plan.unmet.map { UnmergePlanner.sentence(for: $0) }
        return "memory does not hold it: \(sentences.joined(separator: "; "))"
    }

    // MARK: The work

    /// Does it.
    /// - Parameter whileLocked: called once when everything is un-shared and the scope is about to be written, while no
    ///   daemon writes.
    func run(whileLocked: @escaping () -> Void) -> Unmerger.Result {
        if request.force { UnmergeJob.warnOfForce() }
        let cancellation = Cancellation()
        let bar = output.wantsJSON ? nil : ProgressBar()
        var isTold = false
        let unmerger = Unmerger(
            control.root,
            settings,
            isCancelled: { cancellation.isWanted },
            progress: { progress in
                bar?.show(progress)
                guard progress.stage == .changing, !isTold else { return }
                isTold = true
                whileLocked()
            }
        )
        let result = unmerger.run(request)
        bar?.clear()
        JournalEntry.tell(result.entries)
        return result
    }

    private static func warnOfForce() {
        let line = Array("ksmctl: --force: the kernel may kill guests if memory does not hold what is un-shared\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Says how it went.
    ///
    /// - Throws: when it is not done.
    func report(_ result: Unmerger.Result, _ extra: UnmergeOutcome.Extra) throws {
        let outcome = UnmergeOutcome(result, extra: extra)
        let isDone = result.outcome == .done || result.outcome == .unchanged
        if output.wantsJSON {
            output.printJSON { outcome.write(to: &$0) }
        } else if isDone {
            print(outcome.text, terminator: "")
        }
        guard !isDone else { return }
        let head = result.outcome == .aborted ? "broken off: " : ""
        throw Failure(ExitStatus.failure, head + result.sentence)
    }
}
