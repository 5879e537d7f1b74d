import ArgumentParser
import KSMReport
import KSMTuner

/// The operator's command.
struct Ksmctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ksmctl",
        abstract: "Show and control how the kernel merges equal memory (KSM).",
        discussion: "See the ksmctl(8) manual page for details.",
        version: "ksmctl \(Daemon.version)",
        subcommands: [
            StatusCommand.self, ShowCommand.self, StartCommand.self, StopCommand.self, PauseCommand.self,
            ResumeCommand.self, RetuneCommand.self, ReloadCommand.self, NumaCommand.self, UnmergeCommand.self,
            ConfigCommand.self, LogCommand.self, RecordCommand.self,
        ]
    )

    func run() throws {
        throw ValidationError("A command is missing")
    }
}

/// How a command prints what it has to say.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON.")
    var wantsJSON = false

    /// Prints what `body` writes.
    func printJSON(_ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter(style: .pretty)
        body(&json)
        print(json.text)
    }
}

/// Which machine a command looks at.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp("Look at a recorded machine.", valueName: "dir", visibility: .hidden)
    )
    var directory: String?

    /// The machine; a directory that is not there, or is none, is a misuse.
    func open() throws -> Machine {
        try Machine(directory)
    }
}
