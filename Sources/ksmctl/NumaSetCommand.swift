import ArgumentParser
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

extension ScopeSetting: ExpressibleByArgument {}

/// `ksmctl numa set`.
struct NumaSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Choose over which nodes memory is merged, until ksmd starts again.",
        discussion: "With local and across everything that is merged is un-shared first, if memory holds it."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var options: UnmergeOptions

    @Argument(
        help: ArgumentHelp(
            "auto (ksmd chooses), local (within each node), across (over all nodes) or leave (ksmd does not touch it).",
            valueName: "scope"
        )
    )
    var setting: ScopeSetting

    func validate() throws {
        if options.isForced, setting == .auto || setting == .leave {
            throw ValidationError("'--force' is for local and across")
        }
    }

    func run() throws {
        let control = try Control()
        guard control.sysfs.isPresent else { throw Failure.noKSM }
        let change = ScopeChange(control, try Machine().settings, setting, options, output)
        switch setting {
        case .local: try change.make(.local)
        case .across: try change.make(.across)
        case .auto: try change.auto()
        case .leave: try change.leave()
        }
    }
}
