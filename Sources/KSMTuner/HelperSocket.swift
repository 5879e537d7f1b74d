import CLinux
import Glibc
import KSMKernel
import KSMSystemd
import KSMText

/// The daemon's end of `ksmd-helper.socket`, behind which runs what needs more rights than the daemon has: looks into
/// guests' page maps, un-sharing.
///
/// `ksmd --through-helper ARGUMENT…` takes the place of `ksmd ARGUMENT…`: a child of the daemon that sends its arguments
/// and its standard input through the socket, prints what comes back and ends with the status that comes back. When it
/// is killed, the command behind the socket is broken off.
package enum HelperSocket {
    package static let option = "--through-helper"
    static let path = "/run/ksmd-helper.socket"

    /// The command line by which the daemon starts `arguments` (the name first): through the socket where there is one.
    static func detour(_ arguments: [String], socket: String = path) -> [String] {
        // No name of a file goes through: what has one is done here, as far as the rights go.
        let hasFile = arguments.contains { $0.hasPrefix("--config=") }
        guard !hasFile, access(socket, F_OK) == 0 else { return arguments }
        return [arguments[0], option] + arguments.dropFirst()
    }

    /// Runs it.
    ///
    /// Where nobody listens, this process does it itself, as far as its rights go.
    /// - Parameter arguments: without the program's name and the option.
    /// - Returns: the exit status.
    package static func run(
        _ name: String,
        _ arguments: [String],
        socket: String = path,
        input: Int32 = STDIN_FILENO,
        output: Int32 = STDOUT_FILENO
    ) -> Int32 {
        let descriptor = connect(socket)
        guard descriptor >= 0 else { return alone(name, arguments) }
        defer { close(descriptor) }
        let list = arguments == ["--survey"] ? PlainIO.readAll(input, limit: HelperRequest.limit) : []
        guard PlainIO.write(HelperRequest(arguments, input: list).bytes, to: descriptor) else {
            return ExitStatus.failure
        }
        shutdown(descriptor, Int32(SHUT_WR))
        let answer = PlainIO.readAll(descriptor, limit: PlainIO.longestAnswer)
        guard let end = answer.firstIndex(of: UInt8(ascii: "\n")),
            let status = Int32(String(decoding: answer[..<end], as: UTF8.self)), status != ExitStatus.usage
        else {
            let text = "\(arguments.first ?? "") got no answer through \(socket): see journalctl -u 'ksmd-helper@*'"
            _ = PlainIO.write(Array("ksmd: \(text)\n".utf8), to: STDERR_FILENO)
            return ExitStatus.failure
        }
        let rest = Array(answer[(end + 1)...])
        return rest.isEmpty || PlainIO.write(rest, to: output) ? status : ExitStatus.failure
    }

    private static func alone(_ name: String, _ arguments: [String]) -> Int32 {
        var list = ([name] + arguments).map { strdup($0) }
        list.append(nil)
        execv(OwnProgram.path, list)
        return ExitStatus.failure
    }

    private static func connect(_ path: String) -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un(path: path)
        let failure = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard failure == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }
}
