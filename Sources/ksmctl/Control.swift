import Glibc
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// What `start`, `stop` and `retune` do to the running machine.
struct Control {
    /// How long the daemon may take to answer a signal, in milliseconds.
    ///
    /// It answers at once unless its tick is long.
    static let answerMilliseconds = 3000
    /// How long a write of `run` may take, in milliseconds; it waits for the end of the scanner's batch.
    static let writeMilliseconds: Int32 = 10_000

    let root: KernelRoot
    let sysfs: KSMSysfs

    init() throws {
        do {
            root = try KernelRoot()
        } catch {
            throw Failure(error)
        }
        sysfs = KSMSysfs(root, buffer: ReadBuffer())
    }

    /// Checks that this process may write the kernel's settings.
    ///
    /// - Throws: status 77 where it may not.
    func checkPermission() throws {
        do throws(SystemError) {
            try root.checkWritable(KSMSysfs.path(.run))
        } catch {
            throw Failure(error)
        }
    }

    /// The pid of the daemon; `nil` when none runs.
    func daemon() throws -> Int32? {
        do {
            return try InstanceLock.holder(root)
        } catch {
            throw Failure(error)
        }
    }

    /// Asks the daemon to tune now, and waits for the tick that follows.
    /// - Returns: its report; `nil` when it has not answered in time.
    func retune(_ pid: Int32) throws -> StateReport? { try ask(pid, "Retune", SIGUSR1) }

    /// Asks the daemon to read its configuration again, and waits for the tick that follows.
    /// - Returns: its report; `nil` when it has not answered in time.
    /// - Throws: over the bus also when the configuration cannot be read.
    func reload(_ pid: Int32) throws -> StateReport? { try ask(pid, "Reload", SIGHUP) }

    /// Over the bus, which answers when it is done; else by a signal.
    private func ask(_ pid: Int32, _ method: String, _ signal: Int32) throws -> StateReport? {
        let before = report(of: pid)?.tick ?? 0
        switch DaemonCall.call(method, milliseconds: UInt64(Control.answerMilliseconds)) {
        case .done: return report(of: pid).flatMap { $0.tick > before ? $0 : nil }
        case .refused(let sentence): throw Failure(ExitStatus.failure, sentence)
        case .unreachable: break
        }
        try self.signal(pid, signal)
        var answer: StateReport?
        _ = poll(milliseconds: Control.answerMilliseconds) {
            guard let report = report(of: pid), report.tick > before else { return false }
            answer = report
            return true
        }
        return answer
    }

    /// Signals the daemon, and not a process that has got its pid meanwhile: while it has the lock, the descriptor is its.
    private func signal(_ pid: Int32, _ number: Int32) throws {
        do throws(SystemError) {
            guard let process = try ProcessEnd.open(pid: pid), try InstanceLock.holder(root) == pid else {
                throw SystemError(operation: "signal", path: "", errno: ESRCH)
            }
            try process.signal(number)
        } catch {
            throw Failure(SystemError(operation: "signal", path: "ksmd (pid \(pid))", errno: error.errno))
        }
    }

    private func report(of pid: Int32) -> StateReport? {
        (try? StateReader.read(root)).flatMap { $0.pid == pid ? $0 : nil }
    }

    /// Writes `run` by a child, since the write can sleep unkillably.
    /// - Throws: when it fails, or has not come back in time; it goes on in the kernel then.
    func writeRun(_ value: String) throws {
        let writer = SlowWriter(sysfs)
        let child: Int32?
        do {
            child = try writer.start(Write(.run, value))
        } catch {
            throw Failure(error)
        }
        // Only a writer that is busy already has no child to wait for.
        guard let child else { return }
        guard let outcome = writer.wait(pid: child, milliseconds: Control.writeMilliseconds) else {
            throw Failure(ExitStatus.failure, blockedSentence(value, child))
        }
        if let failure = outcome.failure { throw Failure(failure) }
    }

    private func blockedSentence(_ value: String, _ child: Int32) -> String {
        let batch = ((try? sysfs.read(.pages_to_scan)) ?? nil).map { " (pages_to_scan is \($0))" } ?? ""
        return
            "writing \(value) to run has not come back for \(Control.writeMilliseconds / 1000) s: the scanner's batch"
            + "\(batch) or another program's write to run holds the kernel's lock; process \(child) goes on waiting"
    }

    /// What `run` says now, without the kernel's bit for memory going offline.
    func run() -> UInt64? {
        ((try? sysfs.read(.run)) ?? nil)?.unsignedValue.map { $0 & 3 }
    }

    /// Looks every 20 ms whether `isDone`.
    ///
    /// - Returns: whether it came true in time.
    func poll(milliseconds: Int, _ isDone: () -> Bool) -> Bool {
        for _ in 0...(milliseconds / 20) {
            if isDone() { return true }
            usleep(20_000)
        }
        return false
    }
}

/// What a command of `Control` came to.
struct ControlResult {
    /// The daemon, if one runs.
    var daemon: Int32?
    /// What it says after having been asked.
    var report: StateReport?
    /// `run` afterwards.
    var run: UInt64?
    /// One sentence for people.
    var sentence: String

    func print(_ output: OutputOptions) {
        guard output.wantsJSON else { return Swift.print(Human.plain(sentence)) }
        output.printJSON { json in
            json.object { json in
                json.member("daemon_pid", daemon)
                json.member("run", run)
                json.member("state", report?.state.rawValue)
                json.member("reason", report?.reason ?? sentence)
                json.member("tick", report?.tick)
            }
        }
    }
}
