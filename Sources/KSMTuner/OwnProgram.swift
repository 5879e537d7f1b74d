import Glibc
import KSMKernel

/// This program, started once more for what the loop must not wait for.
enum OwnProgram {
    static let path = "/proc/self/exe"

    /// Starts it with nothing of the environment but where the journal is, and with signals as they are by default: the
    /// loop blocks those it waits for.
    /// - Parameters:
    ///   - arguments: the first one is the name.
    ///   - input: becomes standard input; `nil` leaves it.
    ///   - output: becomes standard output; `nil` leaves it.
    static func spawn(
        _ arguments: [String],
        program: String = path,
        input: Int32? = nil,
        output: Int32? = nil
    ) throws(SystemError) -> Int32 {
        var files = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&files)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&files)
            posix_spawnattr_destroy(&attributes)
        }
        if let input { posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO) }
        if let output { posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var list: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var environment = [getenv("JOURNAL_STREAM").flatMap { strdup("JOURNAL_STREAM=" + String(cString: $0)) }]
        if environment.last != .some(nil) { environment.append(nil) }
        defer { for text in list + environment { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, program, &files, &attributes, &list, &environment)
        guard failure == 0 else {
            throw SystemError(
                operation: "start",
                path: "\(program) \(arguments.dropFirst().joined(separator: " "))",
                errno: failure
            )
        }
        return pid
    }
}
