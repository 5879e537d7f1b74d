package import KSMKernel
package import KSMReport
import KSMModel
import KSMText

/// What an operator has said with `ksmctl stop` or `ksmctl pause`: files that keep KSM stopped, over a restart of the
/// daemon but not over a reboot (`/run` is empty then).
///
/// `stop` ends with `ksmctl start`; `pause` with `ksmctl resume`, or by itself. They are two words: ending the one
/// leaves the other.
package enum Hold {
    package static let path = "/run/ksmd/hold"
    package static let pausePath = "/run/ksmd/pause"
    private static let startPath = "/run/ksmd/start"
    private static let limit = 4096

    /// Who holds KSM, and since when; `nil` when nobody does.
    ///
    /// A stop wins over a pause, which is over at its time. A file that cannot be read holds too: a stop that is not
    /// obeyed is worse than one too many.
    package static func read(_ root: KernelRoot) -> StateReport.Hold? {
        read(root, .stop) ?? read(root, .pause)
    }

    /// The hold of one kind.
    package static func read(_ root: KernelRoot, _ kind: StateReport.Hold.Kind) -> StateReport.Hold? {
        let bytes: [UInt8]
        do {
            bytes = try root.readFile(path(kind), limit: limit)
        } catch {
            return error.isAbsent
                ? nil : StateReport.Hold(kind, by: "somebody (\(error.cause))", sinceRealtimeSeconds: nil)
        }
        let text = HoldText.parse(bytes.span)
        var hold = StateReport.Hold(kind, by: text.by, sinceRealtimeSeconds: text.sinceRealtimeSeconds)
        hold.reason = text.reason
        guard kind == .pause, let until = text.untilRealtimeSeconds else { return hold }
        hold.untilRealtimeSeconds = until
        return until > Clock.realtimeSeconds() ? hold : nil
    }

    private static func path(_ kind: StateReport.Hold.Kind) -> String {
        switch kind {
        case .stop: path
        case .pause: pausePath
        }
    }

    /// Holds KSM.
    package static func write(_ root: KernelRoot, _ hold: StateReport.Hold) throws(SystemError) {
        let text = HoldText(
            by: hold.by,
            sinceRealtimeSeconds: hold.sinceRealtimeSeconds,
            untilRealtimeSeconds: hold.untilRealtimeSeconds,
            reason: hold.reason
        )
        try root.replaceFile(path(hold.kind), Array(text.text.utf8))
    }

    /// Ends a stop; there may be none.
    ///
    /// The mark that stays tells the daemon that the operator wants it to tune again, also what somebody else had taken
    /// from it.
    package static func release(_ root: KernelRoot) throws(SystemError) {
        try root.remove(path)
        try root.replaceFile(startPath, [])
    }

    /// Ends a pause; there may be none.
    package static func resume(_ root: KernelRoot) throws(SystemError) {
        try root.remove(pausePath)
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
