import ArgumentParser
import Glibc
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl start`, with the exit statuses 0 and 1 of the old ksmctl.
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Let KSM run: end a `stop`, or start scanning where ksmd does not run."
    )

    @OptionGroup var output: OutputOptions

    @Argument(help: .hidden)
    var ignored: [String] = []

    func run() throws {
        do {
            try start(Control()).print(output)
        } catch let failure as Failure {
            throw failure.asOldKsmctl
        }
    }

    private func start(_ control: Control) throws -> ControlResult {
        let daemon = try control.daemon()
        if daemon != nil || Hold.read(control.root) != nil {
            do { try Hold.release(control.root) } catch { throw Failure(error) }
        }
        guard let daemon else { return try startAlone(control) }
        let report = try control.retune(daemon)
        return ControlResult(
            daemon: daemon,
            report: report,
            run: control.run(),
            sentence: RetuneCommand.sentence(daemon, report)
        )
    }

    /// As the old ksmctl: the limit of kernels before 2.6.33, where it exists, then 1 to `run`.
    private func startAlone(_ control: Control) throws -> ControlResult {
        try StartCommand.limitKernelPages(control.root)
        try control.writeRun("1")
        return ControlResult(run: control.run(), sentence: "KSM scans; ksmd is not running, so nobody tunes it.")
    }

    private static func limitKernelPages(_ root: KernelRoot) throws {
        let path = "\(KSMSysfs.directory)/max_kernel_pages"
        guard root.exists(path) else { return }
        let configured = try? ConfigurationFiles.load(root: root).settings.maxKernelPages
        // Half of memory, as ksm.service always had it; 0 is no limit.
        let pages = configured ?? UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES)) / 2))
        do throws(SystemError) {
            let descriptor = try root.open(path, O_WRONLY)
            let text = Array("\(pages)\n".utf8)
            let count = text.withUnsafeBytes { write(descriptor.raw, $0.baseAddress, $0.count) }
            guard count == text.count else { throw SystemError(operation: "write", path: path, errno: errno) }
        } catch {
            throw Failure(error)
        }
    }
}

/// `ksmctl stop`, with the exit statuses 0 and 1 of the old ksmctl.
struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop KSM and keep what is merged; with ksmd running, until `start` or a reboot."
    )

    @OptionGroup var output: OutputOptions

    @Argument(help: .hidden)
    var ignored: [String] = []

    func run() throws {
        do {
            try stop(Control()).print(output)
        } catch let failure as Failure {
            throw failure.asOldKsmctl
        }
    }

    private func stop(_ control: Control) throws -> ControlResult {
        guard let daemon = try control.daemon() else {
            // What un-shares now would put `run` back when it has ended, and must not find it changed.
            guard !UnmergeLock.isHeldAlone(control.root) else {
                try hold(control.root)
                let sentence = "Somebody un-shares memory; when that has ended KSM stays stopped until `ksmctl start`."
                return ControlResult(run: control.run(), sentence: sentence)
            }
            try control.writeRun("0")
            return ControlResult(run: control.run(), sentence: "KSM is stopped; what is merged stays merged.")
        }
        try hold(control.root)
        let report = try control.retune(daemon)
        if control.run() == 1 { try control.writeRun("0") }
        return ControlResult(
            daemon: daemon,
            report: report,
            run: control.run(),
            sentence: "KSM is stopped until `ksmctl start` or a reboot; what is merged stays merged."
        )
    }

    private func hold(_ root: KernelRoot) throws {
        do throws(SystemError) {
            try Hold.write(root, .init(by: Operator.name(), sinceRealtimeSeconds: Clock.realtimeSeconds()))
        } catch {
            throw Failure(error)
        }
    }
}

/// `ksmctl retune`.
struct RetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retune",
        abstract: "Let ksmd decide now instead of at its next tick."
    )

    @OptionGroup var output: OutputOptions

    func run() throws {
        let control = try Control()
        guard let daemon = try control.daemon() else { throw Failure.notRunning }
        let report = try control.retune(daemon)
        let sentence = RetuneCommand.sentence(daemon, report)
        ControlResult(daemon: daemon, report: report, run: control.run(), sentence: sentence).print(output)
    }

    static func sentence(_ daemon: Int32, _ report: StateReport?) -> String {
        guard let report else {
            return "ksmd (pid \(daemon)) has been asked and has made no new decision yet; one that it was asked for "
                + "less than 2 s before counts for this one too."
        }
        return "\(report.state.rawValue): \(report.reason)"
    }
}
