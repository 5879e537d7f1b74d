import ArgumentParser
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl show`.
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the kernel's settings and counters, and what they mean."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    @Argument(
        help: "One file of /sys/kernel/mm/ksm, explained in full.",
        completion: .list(Attribute.allCases.map(\.name))
    )
    var attribute: String?

    func validate() throws {
        if let attribute, Attribute(name: attribute) == nil {
            throw ValidationError("'\(attribute)' is no attribute of KSM; `ksmctl show` lists them")
        }
    }

    func run() throws {
        let root = try machine.open().root
        let sysfs = KSMSysfs(root, buffer: ReadBuffer())
        guard sysfs.isPresent else { throw Failure.noKSM }
        let chosen = attribute.flatMap { Attribute(name: $0) }
        var problems: [String] = []
        let ksm = sysfs.readAll(problems: &problems)
        if output.wantsJSON {
            output.printJSON { AttributeReport.write(chosen.map { [$0] } ?? Attribute.allCases, ksm, to: &$0) }
        } else {
            print(chosen.map { AttributeReport.text($0, ksm[$0]) } ?? AttributeReport.table(ksm), terminator: "")
        }
        if let problem = problems.first { throw Failure(ExitStatus.failure, problem) }
    }
}
