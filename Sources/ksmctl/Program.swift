import ArgumentParser
import Glibc
import KSMTuner

/// Where the program starts: parses, runs, and turns every error into one line and an exit status.
@main
enum Program {
    static func main() {
        // A host with 300 guests has more files to keep open than the usual soft limit of 1,024.
        Workplace.raiseFileLimit()
        exit(status(of: Array(CommandLine.arguments.dropFirst())))
    }

    private static func status(of arguments: [String]) -> Int32 {
        do {
            var command = try Ksmctl.parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let failure as Failure {
            if !failure.message.isEmpty { complain(failure.message) }
            return failure.status
        } catch {
            return parserStatus(error)
        }
    }

    /// `--help` and `--version` arrive as errors whose exit code is 0; every other error of the parser is a misuse.
    private static func parserStatus(_ error: any Error) -> Int32 {
        if Ksmctl.exitCode(for: error) == .success {
            print(Ksmctl.fullMessage(for: error))
            return 0
        }
        let lines = Ksmctl.message(for: error).split(separator: "\n")
        complain("\(lines.first ?? "bad arguments") (see `ksmctl --help`)")
        return ExitStatus.usage
    }

    /// One line on standard error.
    static func complain(_ message: String) {
        let line = Array("ksmctl: \(message)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
