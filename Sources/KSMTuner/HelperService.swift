import CLinux
import Glibc
import KSMKernel
import KSMText

/// `ksmd --serve`: the other end of `ksmd-helper.socket`, one process for each request (`Accept=yes`).
///
/// Standard input and output are the connection. It does what `HelperRequest` permits, in a child, and sends back the
/// child's exit status in a line and then what it printed. When the daemon hangs up, the child is told to break off.
package enum HelperService {
    private static let processName = "ksmtuned-helper"
    /// A request that is not there by then, in seconds, is none: the daemon sends it in one go.
    private static let patience: UInt32 = 10

    /// Runs it.
    ///
    /// - Returns: the exit status: 0 when the request was understood, whatever came of it.
    package static func run() -> Int32 {
        _ = ksmd_set_name(processName)
        signal(SIGPIPE, SIG_IGN)
        alarm(patience)
        let bytes = PlainIO.readAll(STDIN_FILENO, limit: HelperRequest.limit)
        alarm(0)
        guard let request = HelperRequest.parse(bytes.span) else {
            _ = PlainIO.write(Array("\(ExitStatus.usage)\n".utf8), to: STDOUT_FILENO)
            return ExitStatus.usage
        }
        do throws(SystemError) {
            let (status, output) = try serve(request)
            _ = PlainIO.write(Array("\(status)\n".utf8) + output, to: STDOUT_FILENO)
            return ExitStatus.success
        } catch {
            return ExitStatus.failure
        }
    }

    private static func serve(_ request: HelperRequest) throws(SystemError) -> (Int32, [UInt8]) {
        let input = try PlainIO.memoryFile(request.input)
        defer { close(input) }
        let output = try PlainIO.memoryFile()
        defer { close(output) }
        let pid = try OwnProgram.spawn(["ksmd"] + request.arguments, input: input, output: output)
        return (wait(pid, connection: STDIN_FILENO), try PlainIO.contents(of: output))
    }

    /// Waits for the child's end, and tells it to break off when the other side of the connection goes.
    ///
    /// - Returns: its exit status, 1 where a signal killed it.
    static func wait(_ pid: Int32, connection: Int32) -> Int32 {
        let end = ksmd_process_end(pid)
        var files = [
            pollfd(fd: end, events: Int16(POLLIN), revents: 0), pollfd(fd: connection, events: 0, revents: 0),
        ]
        while end >= 0, files[0].revents == 0 {
            guard poll(&files, 2, -1) >= 0 || errno == EINTR else { break }
            if files[1].revents != 0 {
                kill(pid, SIGTERM)
                files[1].fd = -1
            }
        }
        if end >= 0 { close(end) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { guard errno == EINTR else { return ExitStatus.failure } }
        return status & 0x7f == 0 ? status >> 8 & 0xff : ExitStatus.failure
    }
}
