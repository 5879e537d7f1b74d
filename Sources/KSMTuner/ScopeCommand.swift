import CLinux
import Glibc
import KSMConfiguration
import KSMKernel
package import KSMModel
import KSMReport
import KSMSystemd

/// `ksmd --set-scope=local|across|none`: un-shares everything, sets the scope, tells the journal and ends.
///
/// Not for people, who have `ksmctl numa set` and `ksmctl unmerge`: the daemon starts itself that way, for
/// `AutoUnmerge=yes` and for who asks over the bus.
package struct ScopeCommand: Equatable, Sendable {
    /// `nil` sets no scope: KSM is held stopped afterwards.
    package var scope: MergeScope?
    /// Who asked over the bus; `nil` when the policy did.
    package var by: String?
    /// Try it although memory does not hold it.
    package var isForced = false
    package var options: DaemonOptions

    package init(_ scope: MergeScope?, by: String? = nil, isForced: Bool = false, _ options: DaemonOptions) {
        self.scope = scope
        self.by = by
        self.isForced = isForced
        self.options = options
    }

    /// The name of the process, of at most 15 bytes.
    static let processName = "ksmtuned-scope"

    /// The command line, the name included.
    var arguments: [String] {
        [ScopeCommand.processName, "--set-scope=\(scope?.rawValue ?? "none")"]
            + (options.configFile.map { ["--config=\($0)"] } ?? []) + (by.map { ["--by=\($0)"] } ?? [])
            + (isForced ? ["--force"] : [])
    }

    /// Runs it.
    ///
    /// - Returns: the exit status: 0 only when it is done.
    package func run() throws(Refusal) -> Int32 {
        _ = ksmd_set_name(ScopeCommand.processName)
        // Without it nothing could be placed: the kernel would make the copies, wherever it likes.
        guard ksmd_may_look_into_others() != 0 else {
            throw Refusal(
                description: "Un-sharing takes CAP_SYS_PTRACE, and nobody listens at \(HelperSocket.path): nothing is"
                    + " un-shared. `systemctl start ksmd-helper.socket` brings it back; ksmctl unmerge, as root, does without",
                status: ExitStatus.noPermission
            )
        }
        let root: KernelRoot
        do { root = try KernelRoot() } catch {
            throw Refusal(description: error.description, status: ExitStatus.failure)
        }
        let settings = try Workplace.configuration(root, options).settings
        let word = Word(root, self)
        let cancellation = Cancellation()
        let unmerger = Unmerger(
            root,
            settings,
            isCancelled: { cancellation.isWanted },
            progress: { if $0.stage == .changing { word.say() } }
        )
        let result = unmerger.run(.init(scope: scope, force: isForced))
        let isDone = result.outcome == .done || result.outcome == .unchanged
        isDone ? word.say() : word.takeBack()
        let journal = JournalWriter()
        for entry in result.entries { entry.write(to: journal) }
        return isDone ? ExitStatus.success : ExitStatus.failure
    }
}

/// What the operator has said, as a file: there before the daemon may write again, which would choose for itself
/// otherwise, and not before everything is un-shared.
private final class Word {
    private let root: KernelRoot
    private let scope: ScopeOverride?
    private let hold: StateReport.Hold?
    private let before: ScopeOverride?
    private var isSaid = false

    init(_ root: KernelRoot, _ command: ScopeCommand) {
        self.root = root
        before = ScopeOverride.read(root)
        let now = Clock.realtimeSeconds()
        let setting = command.scope.flatMap { ScopeSetting(rawValue: $0.rawValue) }
        scope = command.by.flatMap { by in setting.map { ScopeOverride($0, by: by, sinceRealtimeSeconds: now) } }
        let isHeld = Hold.read(root, .stop) != nil
        hold = setting == nil && !isHeld ? .init(by: command.by ?? "ksmd", sinceRealtimeSeconds: now) : nil
    }

    func say() {
        guard !isSaid else { return }
        isSaid = true
        try? scope?.write(root)
        if let hold { try? Hold.write(root, hold) }
    }

    func takeBack() {
        guard isSaid else { return }
        if scope != nil {
            if let before { try? before.write(root) } else { try? ScopeOverride.remove(root) }
        }
        if hold != nil { try? root.remove(Hold.path) }
    }
}
