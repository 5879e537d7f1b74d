package import KSMKernel
package import KSMReport
import KSMModel
import KSMText

/// The operator's `ksmctl stop`: a file that keeps KSM stopped until `ksmctl start`, over a restart of the daemon but
/// not over a reboot (`/run` is empty then).
package enum Hold {
    package static let path = "/run/ksmd/hold"
    private static let startPath = "/run/ksmd/start"
    private static let limit = 4096

    /// Who holds KSM, and since when; `nil` when nobody does.
    ///
    /// A file that cannot be read holds too: a stop that is not obeyed is worse than one too many.
    package static func read(_ root: KernelRoot) -> StateReport.Hold? {
        let bytes: [UInt8]
        do {
            bytes = try root.readFile(path, limit: limit)
        } catch {
            return error.isAbsent ? nil : StateReport.Hold(by: "somebody (\(error.cause))", sinceRealtimeSeconds: nil)
        }
        let hold = HoldText.parse(bytes.span)
        return StateReport.Hold(by: hold.by, sinceRealtimeSeconds: hold.sinceRealtimeSeconds)
    }

    /// Holds KSM in the name of `user`.
    package static func write(_ root: KernelRoot, by user: String, sinceRealtimeSeconds since: UInt64)
        throws(SystemError)
    {
        try root.replaceFile(path, Array(HoldText(by: user, sinceRealtimeSeconds: since).text.utf8))
    }

    /// Ends the hold; there may be none.
    ///
    /// The mark that stays tells the daemon that the operator wants it to tune again, also what somebody else had taken
    /// from it.
    package static func release(_ root: KernelRoot) throws(SystemError) {
        try root.remove(path)
        try root.replaceFile(startPath, [])
    }

    /// Whether the operator has said `ksmctl start` and the daemon has not taken it in yet.
    static func isStartWanted(_ root: KernelRoot) -> Bool { root.exists(startPath) }

    /// Whether the operator has said `ksmctl start` since the last call.
    package static func takeStart(_ root: KernelRoot) -> Bool {
        guard root.exists(startPath) else { return false }
        try? root.remove(startPath)
        return true
    }
}
