import CLinux
import Glibc
import KSMTuner

/// The daemon's command line.
enum Program {
    static let help = """
        Usage: ksmd [OPTIONS]

        Tunes kernel samepage merging (KSM) of this machine; run by ksmd.service.

          --config=FILE     Read FILE instead of the files in /etc, /run and /usr/lib
          --policy=NAME     Use this policy, not the configured one (classic)
          --restore         Put back the settings that a killed ksmd has left, and end
          --help, --version

        For testing:
          --root=DIR        Work on the machine recorded in DIR (sys/, proc/, etc/)
          --ticks=N         Stop after N ticks, without waiting between them
          --dry-run         Decide, but write nothing
          --json            Print one JSON object per tick on standard output

        See ksmd(8) and ksmd.conf(5).

        """

    /// Runs the program.
    ///
    /// - Returns: the exit status.
    static func main(_ arguments: [String]) -> Int32 {
        let command: Command
        do {
            command = try Command.parse(Array(arguments.dropFirst()))
        } catch {
            complain(error.description)
            return ExitStatus.usage
        }
        switch command {
        case .help: return say(help)
        case .version: return say("ksmd \(Daemon.version)\n")
        case .restore(let options): return guarded { () throws(Refusal) in try Daemon.restore(options) }
        case .survey(let survey): return survey.run()
        case .setScope(let command): return guarded { () throws(Refusal) in try command.run() }
        case .throughHelper(let rest): return HelperSocket.run(arguments[0], rest)
        case .serve: return HelperService.run()
        case .run(let options):
            takeName(arguments)
            Workplace.raiseFileLimit()
            return guarded { () throws(Refusal) in try Daemon(options).run() }
        }
    }

    private static func guarded(_ body: () throws(Refusal) -> Int32) -> Int32 {
        do {
            return try body()
        } catch {
            complain(error.description)
            return error.status
        }
    }

    /// The kernel's scanner thread is called ksmd, and other tools find it by that name (`pidof ksmd`, `pgrep -x
    /// ksmd`).
    ///
    /// So this process goes by the name of what it replaces: it executes itself once more with `ksmtuned` as its own
    /// name in the argument list (pidof looks there), and takes that as its process name.
    private static func takeName(_ arguments: [String]) {
        if arguments.first != name {
            var list = ([name] + arguments.dropFirst()).map { strdup($0) }
            list.append(nil)
            execv("/proc/self/exe", list)
            for pointer in list { free(pointer) }
        }
        _ = ksmd_set_name(name)
    }

    private static let name = "ksmtuned"

    private static func say(_ text: String) -> Int32 {
        put(text, STDOUT_FILENO) ? ExitStatus.success : ExitStatus.failure
    }

    private static func complain(_ text: String) {
        _ = put("ksmd: \(text)\n", STDERR_FILENO)
    }

    private static func put(_ text: String, _ descriptor: Int32) -> Bool {
        text.withCString { write(descriptor, $0, strlen($0)) == strlen($0) }
    }
}
