import ArgumentParser
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl unmerge`.
struct UnmergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmerge",
        abstract: "Un-share everything that is merged, and keep KSM stopped until `start`."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var options: UnmergeOptions

    func run() throws {
        let control = try Control()
        guard control.sysfs.isPresent else { throw Failure.noKSM }
        let job = UnmergeJob(control, try Machine().settings, scope: nil, options, output)
        if options.isDryRun { return try job.printPlan() }
        try control.checkPermission()
        try unmerge(job)
    }

    /// The hold is there before the daemon may write again: it would start the scanner thread otherwise.
    private func unmerge(_ job: UnmergeJob) throws {
        let root = job.control.root
        var isHoldOurs = false
        let result = job.run {
            guard Hold.read(root, .stop) == nil else { return }
            isHoldOurs = (try? UnmergeCommand.hold(root)) != nil
        }
        guard result.outcome == .done || result.outcome == .unchanged else {
            if isHoldOurs { try? root.remove(Hold.path) }
            return try job.report(result, .init())
        }
        if Hold.read(root, .stop) == nil { try UnmergeCommand.hold(root) }
        let daemon = try job.control.daemon()
        if let daemon { _ = try job.control.retune(daemon) }
        try job.report(result, .init(daemon: daemon, remark: "Nothing is merged until `ksmctl start` or a reboot."))
    }

    private static func hold(_ root: KernelRoot) throws {
        do throws(SystemError) {
            try Hold.write(root, .init(by: Operator.name(), sinceRealtimeSeconds: Clock.realtimeSeconds()))
        } catch {
            throw Failure(error)
        }
    }
}
