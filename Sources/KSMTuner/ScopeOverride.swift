package import KSMKernel
package import KSMModel

/// The operator's `ksmctl numa set`: what it says holds, against the configuration, until the daemon starts again.
///
/// Kept in `/run/ksmd/scope`, where the daemon sees it at its next tick. Without a version, by the first rule of
/// `FormatVersion`: a daemon that starts forgets the file, so none of another version is ever needed.
package struct ScopeOverride: Equatable {
    package static let path = "/run/ksmd/scope"
    private static let limit = 4096

    package var setting: ScopeSetting
    /// Who said so.
    package var by: String
    /// CLOCK_REALTIME.
    package var sinceRealtimeSeconds: UInt64

    package init(_ setting: ScopeSetting, by: String, sinceRealtimeSeconds: UInt64) {
        self.setting = setting
        self.by = by
        self.sinceRealtimeSeconds = sinceRealtimeSeconds
    }

    /// What was said; `nil` when nothing was, or when the file cannot be understood.
    package static func read(_ root: KernelRoot) -> ScopeOverride? {
        guard let bytes = try? root.readFile(path, limit: limit) else { return nil }
        return parse(String(decoding: bytes, as: UTF8.self))
    }

    /// Three lines: the setting, the time, the user.
    static func parse(_ text: String) -> ScopeOverride? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, let setting = ScopeSetting(rawValue: String(lines[0])), let since = UInt64(lines[1])
        else { return nil }
        return ScopeOverride(setting, by: String(lines[2]), sinceRealtimeSeconds: since)
    }

    var text: String {
        "\(setting.rawValue)\n\(sinceRealtimeSeconds)\n\(ScopeOverride.oneLine(by))\n"
    }

    /// A line break in a user's name is a space.
    private static func oneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

    package func write(_ root: KernelRoot) throws(SystemError) {
        try root.replaceFile(ScopeOverride.path, Array(text.utf8))
    }

    /// Forgets what was said; the daemon does when it starts.
    package static func remove(_ root: KernelRoot) throws(SystemError) {
        try root.remove(path)
    }
}
