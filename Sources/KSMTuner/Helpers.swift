import Glibc
import KSMKernel
import KSMModel
import KSMSystemd

/// The daemon's own program, started again for what the loop must not wait for.
final class Helpers {
    /// What a helper has brought.
    enum End {
        case survey(Survey)
        /// It has not come about; the entry is `nil` where that was told before.
        case failed(JournalEntry?)
        /// Everything was un-shared and the scope changed, or not; the helper has told why.
        case unmerged(Bool, ScopeCommand)
    }

    private let options: DaemonOptions
    private let surveys: SurveyProbe
    private var unmerger: (pid: Int32, command: ScopeCommand)?
    private var failure: String?

    init(_ root: KernelRoot, _ options: DaemonOptions) {
        self.options = options
        surveys = SurveyProbe(root)
    }

    /// Starts what is due.
    /// - Parameter unmergeTo: the scope for which to un-share everything.
    func start(now: UInt64, _ guests: [Guest], _ unmergeTo: MergeScope?) -> ([Int32], [JournalEntry]) {
        var children: [Int32] = []
        do {
            if let pid = try surveys.start(now: now, guests: guests) { children.append(pid) }
            if let unmergeTo, unmerger == nil {
                try children.append(start(ScopeCommand(unmergeTo, options)))
            }
        } catch {
            return (children, told(error.description))
        }
        return (children, [])
    }

    /// Whether something of ksmd's own un-shares.
    var isUnmerging: Bool { unmerger != nil }

    /// Starts an un-sharing.
    func start(_ command: ScopeCommand) throws(SystemError) -> Int32 {
        let pid = try OwnProgram.spawn(HelperSocket.detour(command.arguments))
        unmerger = (pid, command)
        return pid
    }

    /// Tells an un-sharing of ksmd's own to break off; it ends by itself, with the settings put back.
    func breakOff() {
        if let unmerger { kill(unmerger.pid, SIGTERM) }
    }

    /// - Returns: `nil` for a child that is none of these.
    func finish(pid: Int32, status: Int32?) -> End? {
        if let ended = unmerger, ended.pid == pid {
            unmerger = nil
            return .unmerged(status == ExitStatus.success, ended.command)
        }
        switch surveys.finish(pid: pid, status: status) {
        case nil: return nil
        case .success(let survey):
            failure = nil
            return .survey(survey)
        case .failure(let cause):
            return .failed(told(cause.description).first)
        }
    }

    /// The same trouble is told once.
    private func told(_ cause: String) -> [JournalEntry] {
        defer { failure = cause }
        return failure == cause ? [] : [JournalEntry(.warning, .sampleProblem, cause)]
    }
}
