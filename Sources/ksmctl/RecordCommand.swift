import ArgumentParser
import Glibc
import KSMKernel
import KSMReport
import KSMTuner

/// `ksmctl record`.
struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Copy the files that ksmd reads into a directory, for a bug report."
    )

    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("An empty directory, or one to be made.", valueName: "dir"), completion: .directory)
    var directory: String

    func run() throws {
        let machine = try Machine()
        let target = try emptyDirectory()
        var recorder = Recorder(machine.root, target, machine.settings)
        do {
            try recorder.record()
        } catch {
            throw Failure(error)
        }
        if output.wantsJSON {
            output.printJSON { json in
                json.object { json in
                    json.member("directory", directory)
                    json.member("written", recorder.written)
                    json.member("unreadable", recorder.unreadable)
                }
            }
        } else {
            print(text(recorder), terminator: "")
        }
    }

    private func text(_ recorder: Recorder) -> String {
        var result = "Wrote \(Human.count(recorder.written.count, "file")) to \(Human.plain(directory)): the files of "
        result +=
            "KSM, NUMA nodes and \(Human.count(recorder.guestCount, "guest")), the configuration and the report of "
        result += "ksmd. Of guests' command lines only program, name and accelerator are in it."
        result = TextLayout.wrap(result)
        if recorder.unreadable.isEmpty { return result }
        result += "\nCould not be read:\n"
        for problem in recorder.unreadable {
            result += TextLayout.wrap(Human.plain(problem), first: "- ", indent: 2)
        }
        return geteuid() == 0 ? result : result + "Run `ksmctl record` as root to have all.\n"
    }

    /// Opens the directory, and makes it if need be; one that holds something is refused.
    private func emptyDirectory() throws -> KernelRoot {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw Failure(SystemError(operation: "make directory", path: directory, errno: errno))
        }
        do throws(SystemError) {
            let target = try KernelRoot(directory)
            guard try target.list("/").isEmpty else {
                throw SystemError(operation: "record into", path: directory, errno: ENOTEMPTY)
            }
            return target
        } catch {
            throw Failure(
                ExitStatus.failure,
                SystemError(operation: error.operation, path: directory, errno: error.errno).description
            )
        }
    }
}
