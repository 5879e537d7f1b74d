import ArgumentParser
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl numa`.
struct NumaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "numa",
        abstract: "Look at NUMA nodes, and choose over which memory is merged.",
        subcommands: [NumaShowCommand.self, NumaSetCommand.self],
        defaultSubcommand: NumaShowCommand.self
    )
}

/// `ksmctl numa show`, and `ksmctl numa` alone.
struct NumaShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show nodes, guests by node, where memory is merged, and what that puts at risk."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    @Flag(
        name: .customLong("measure"),
        help: "Measure instead what memory of each node costs each other; takes up to 10 s and uses memory of its own."
    )
    var isMeasuring = false

    func validate() throws {
        if isMeasuring, machine.directory != nil {
            throw ValidationError("'--measure' is for the running machine, not for one below '--root'")
        }
    }

    func run() throws {
        var machine = try machine.open()
        if isMeasuring { return measure(machine) }
        let report = NumaLook(&machine).report()
        if output.wantsJSON {
            output.printJSON { report.write(to: &$0) }
        } else {
            print(report.text, terminator: "")
        }
    }

    private func measure(_ machine: Machine) {
        let sample = Sampler(machine.root, machine.settings).sample()
        let outcome = LatencyProbe(sample.topology, sample.nodes).measure()
        let report = LatencyReport(
            topology: sample.topology,
            latencies: outcome.latencies,
            bytes: outcome.bytes,
            problems: outcome.problems
        )
        if output.wantsJSON {
            output.printJSON { report.write(to: &$0) }
        } else {
            print(report.text, terminator: "")
        }
    }
}
