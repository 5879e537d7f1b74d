package import KSMModel

/// What the command line asks of the daemon.
package struct DaemonOptions: Equatable, Sendable {
    /// The directory of a recorded machine; `nil` is the running one.
    package var root: String?
    /// Read this file and no other configuration.
    package var configFile: String?
    /// Stop after so many ticks, without waiting between them.
    package var ticks: UInt64?
    package var dryRun = false
    /// One JSON object per tick on standard output.
    package var json = false
    /// Beats the configuration.
    package var policy: PolicyName?

    package init() {}
}

/// Why the daemon cannot work, and with which status it ends.
package struct Refusal: Error, CustomStringConvertible {
    package var description: String
    package var status: Int32
}
