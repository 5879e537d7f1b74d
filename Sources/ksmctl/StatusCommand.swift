import ArgumentParser
import CLinux
import Glibc
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what KSM does and why, what it saves, and each guest's part."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    func run() throws {
        var machine = try machine.open()
        let report = StatusCommand.report(&machine)
        if output.wantsJSON {
            output.printJSON { report.write(to: &$0) }
        } else {
            print(report.text, terminator: "")
        }
        if report.isKSMAbsent { throw Failure(ExitStatus.unavailable) }
    }

    private static func report(_ machine: inout Machine) -> StatusReport {
        let daemon = machine.daemon()
        let stateFile = machine.stateFile()
        var report = StatusReport(sample: sample(&machine), daemon: daemon, stateFile: stateFile)
        report.hold = Hold.read(machine.root)
        report.problems = machine.problems
        if daemon == .notRunning, machine.root.exists(SavedState.path) {
            report.notes.append(
                "a ksmd that has ended left its settings in force; `ksmd --restore` puts back what it had found"
            )
        }
        report.nowRealtimeSeconds = machine.realtimeSeconds()
        if machine.root.isLive, geteuid() != 0 {
            report.remedy = "Run `ksmctl status` as root to see what is missing."
        }
        return report
    }

    /// How long the guests' `ksm_stat` may take, in milliseconds: they wait for a guest that is being un-shared.
    private static let patience: Int32 = 1000

    private static func sample(_ machine: inout Machine) -> Sample {
        let sampler = Sampler(machine.root, machine.settings)
        // No recorded file can block.
        guard machine.root.isLive else { return sampler.sample(withKSMStats: true) }
        var sample = sampler.sample()
        let probe = GuestProbe(sampler.guests, machine.root)
        guard let child = probe.start(now: sample.monotonicNanoseconds) else { return sample }
        if ksmd_wait_child(child, patience) >= 0 {
            _ = probe.finish(pid: child)
            sample.guests = sampler.guests.guests
        } else {
            machine.note("Failed to read /proc/PID/ksm_stat: the memory map of a guest is busy")
        }
        return sample
    }
}
