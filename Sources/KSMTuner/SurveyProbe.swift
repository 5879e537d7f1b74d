import CLinux
import Glibc
package import KSMKernel
package import KSMModel
import KSMText

/// Lets a child (`ksmd --survey`) look where the guests' memory lies, now and then.
///
/// The child waits for guests' mmap locks, unkillably in places, which the loop must never do.
package final class SurveyProbe {
    /// Between two surveys: memory does not move faster than that, and people look at hours.
    static let intervalNanoseconds: UInt64 = 300_000_000_000
    /// The same when guests came or went.
    static let shortIntervalNanoseconds: UInt64 = 60_000_000_000
    /// A child that is not back by then is killed; one survey takes a second at most.
    package static let patienceNanoseconds: UInt64 = 60_000_000_000
    /// Each nanosecond of CPU time pays for this many of waiting: 0.1 % of one CPU on average.
    static let thrift: UInt64 = 1000
    /// What a survey that failed counts as: the next comes in an hour.
    static let failedNanoseconds: UInt64 = 3_600_000_000

    private let program: String
    private let isLive: Bool
    private var asked: [SurveyedGuest] = []
    private var child: Int32?
    private var answer: Int32 = -1
    private var started: UInt64?
    private var lastCost: UInt64 = 0

    /// - Parameter program: what is started, with `--survey`.
    package init(_ root: KernelRoot, program: String = OwnProgram.path) {
        isLive = root.isLive
        self.program = program
    }

    deinit {
        if answer >= 0 { close(answer) }
    }

    /// Starts a child when it is time and none is under way; kills one that takes too long.
    ///
    /// - Returns: its pid.
    package func start(now: UInt64, guests: [Guest]) throws(SystemError) -> Int32? {
        if let child {
            if let started, now &- started > SurveyProbe.patienceNanoseconds { kill(child, SIGKILL) }
            return nil
        }
        guard isLive, !guests.isEmpty, isDue(now, guests) else { return nil }
        started = now
        lastCost = SurveyProbe.failedNanoseconds
        asked = guests.map { SurveyedGuest(pid: $0.pid, startTicks: $0.startTicks) }
        let pid = try spawn()
        child = pid
        return pid
    }

    private func isDue(_ now: UInt64, _ guests: [Guest]) -> Bool {
        guard let started else { return true }
        let since = now &- started
        guard since >= lastCost * SurveyProbe.thrift, since >= SurveyProbe.shortIntervalNanoseconds else {
            return false
        }
        if since >= SurveyProbe.intervalNanoseconds { return true }
        return guests.count != asked.count
            || zip(guests, asked).contains { $0.pid != $1.pid || $0.startTicks != $1.startTicks }
    }

    /// Why there is no survey.
    package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Takes in what the child has found.
    /// - Parameter status: its exit status; `nil` when a signal killed it.
    /// - Returns: `nil` when it was not this one's child.
    package func finish(pid: Int32, status: Int32?) -> Result<Survey, Failure>? {
        guard pid == child else { return nil }
        let answer = answer
        child = nil
        self.answer = -1
        defer { close(answer) }
        guard let status else {
            return .failure(Failure(description: "The survey of the guests' memory was killed; the next is in an hour"))
        }
        if status == ExitStatus.noPermission {
            return .failure(
                Failure(
                    description: "The survey of the guests' memory takes CAP_SYS_PTRACE, and nobody listens at"
                        + " \(HelperSocket.path): on which nodes it lies is not known; the next is in an hour"
                )
            )
        }
        guard status == 0 else {
            return .failure(Failure(description: "The survey of the guests' memory ended with status \(status)"))
        }
        do {
            let bytes = try PlainIO.contents(of: answer)
            let survey = try Survey.parse(bytes.span)
            lastCost = min(survey.cpuNanoseconds, SurveyProbe.patienceNanoseconds)
            return .success(survey)
        } catch {
            return .failure(Failure(description: "The survey of the guests' memory cannot be understood: \(error)"))
        }
    }

    // MARK: The child

    /// Standard input has the list of guests, standard output takes the answer; both are files in memory.
    private func spawn() throws(SystemError) -> Int32 {
        let list = try PlainIO.memoryFile(asked.reduce(into: [UInt8]()) { $0 += $1.line.utf8 })
        defer { close(list) }
        let answer = try PlainIO.memoryFile()
        do throws(SystemError) {
            let pid = try OwnProgram.spawn(
                HelperSocket.detour([SurveyCommand.processName, "--survey"]),
                program: program,
                input: list,
                output: answer
            )
            self.answer = answer
            return pid
        } catch {
            close(answer)
            throw error
        }
    }
}
