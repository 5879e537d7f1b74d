import Glibc
import KSMKernel

/// A process that the demonstration started, and ends: also when the demonstration itself is killed.
final class Child {
    /// First argument of the role in which this program ties itself to its parent and execs (`Role.launch`).
    static let launchOption = "--launch"

    let pid: pid_t
    /// Where its standard output and error go.
    let log: String
    private var waitStatus: Int32?

    private init(pid: pid_t, log: String) {
        self.pid = pid
        self.log = log
    }

    /// Starts `program` in a process group of its own (Ctrl-C is for the demonstration), with every signal at its
    /// default and nothing in its environment but a PATH.
    /// - Parameters:
    ///   - arguments: `argv`, from `argv[0]` on.
    ///   - deathSignal: what it gets when the demonstration ends without having ended it.
    static func start(
        _ program: String,
        _ arguments: [String],
        log: String,
        deathSignal: Int32
    ) throws(Failure) -> Child {
        let words = ["ksmd-demo", launchOption, "\(getpid())", "\(deathSignal)", program] + arguments
        var pid: pid_t = 0
        let failure = withCStrings(words) { argv in
            withCStrings(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]) { environment in
                spawn(&pid, argv, environment, log)
            }
        }
        guard failure == 0 else { throw Failure("start", program, errno: failure) }
        return Child(pid: pid, log: log)
    }

    private static func spawn(
        _ pid: inout pid_t,
        _ argv: [UnsafeMutablePointer<CChar>?],
        _ environment: [UnsafeMutablePointer<CChar>?],
        _ log: String
    ) -> Int32 {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return posix_spawn(&pid, Files.ownProgram, &files, &attributes, argv, environment)
    }

    /// Whether it still runs.
    ///
    /// Never waits.
    var isRunning: Bool {
        if waitStatus != nil { return false }
        var status: Int32 = 0
        let result = waitpid(pid, &status, WNOHANG)
        guard result == pid || (result < 0 && errno == ECHILD) else { return true }
        waitStatus = status
        return false
    }

    /// How it ended: `exit status 78`, `signal 9`.
    var ending: String {
        guard let status = waitStatus else { return "it still runs" }
        let signal = status & 0x7f
        return signal == 0 ? "exit status \((status >> 8) & 0xff)" : "signal \(signal)"
    }

    /// Whether it ended with exit status 0.
    var endedWell: Bool { !isRunning && waitStatus == 0 }

    /// Asks it to end, and forces it after the deadline.
    /// - Returns: whether it ended by itself.
    @discardableResult
    func end(withinSeconds seconds: Int) -> Bool {
        signal(SIGTERM)
        return finish(withinSeconds: seconds)
    }

    /// Sends a signal, if it still runs: a pid that has been waited for may be another process' by now.
    func signal(_ number: Int32) {
        if isRunning { kill(pid, number) }
    }

    /// Waits for the end until the deadline, then kills and waits for the little that takes.
    func finish(withinSeconds seconds: Int) -> Bool {
        if Deadline.wait(seconds: seconds, until: { !isRunning }) { return true }
        signal(SIGKILL)
        _ = Deadline.wait(seconds: 5, until: { !isRunning })
        return false
    }

    /// How it ended and the last lines of what it said: `ended (signal 9):` and the lines, indented.
    var obituary: String {
        let lines = Files.text(log, limit: 1 << 20).split(separator: "\n").suffix(5)
        return lines.isEmpty
            ? "ended (\(ending))" : "ended (\(ending)):\n" + lines.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// Waiting that ends.
enum Deadline {
    /// Looks every 20 ms whether `condition` holds.
    /// - Returns: whether it did before `seconds` had passed.
    static func wait(seconds: Int, until condition: () -> Bool) -> Bool {
        let end = Clock.monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        while !condition() {
            if Clock.monotonicNanoseconds() >= end { return condition() }
            usleep(20_000)
        }
        return true
    }
}
