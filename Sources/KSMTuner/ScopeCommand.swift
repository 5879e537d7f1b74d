import CLinux
import Glibc
import KSMConfiguration
import KSMKernel
package import KSMModel
import KSMSystemd

/// `ksmd --set-scope=local|across`: un-shares everything, sets the scope, tells the journal and ends.
///
/// Not for people, who have `ksmctl numa set`: the daemon starts itself that way (`AutoUnmerge=yes`).
package struct ScopeCommand: Equatable, Sendable {
    package var scope: MergeScope
    package var options: DaemonOptions

    package init(_ scope: MergeScope, _ options: DaemonOptions) {
        self.scope = scope
        self.options = options
    }

    /// The name of the process, of at most 15 bytes.
    static let processName = "ksmtuned-scope"

    static func arguments(_ scope: MergeScope, _ options: DaemonOptions) -> [String] {
        [processName, "--set-scope=\(scope.rawValue)"] + (options.configFile.map { ["--config=\($0)"] } ?? [])
    }

    /// Runs it.
    ///
    /// - Returns: the exit status: 0 only when the scope is set.
    package func run() throws(Refusal) -> Int32 {
        _ = ksmd_set_name(ScopeCommand.processName)
        let root: KernelRoot
        do { root = try KernelRoot() } catch {
            throw Refusal(description: error.description, status: ExitStatus.failure)
        }
        let settings = try Workplace.configuration(root, options).settings
        let cancellation = Cancellation()
        let result = Unmerger(root, settings, isCancelled: { cancellation.isWanted }).run(.init(scope: scope))
        let journal = JournalWriter()
        for entry in result.entries { entry.write(to: journal) }
        return result.outcome == .done || result.outcome == .unchanged ? ExitStatus.success : ExitStatus.failure
    }
}
