import Glibc

/// What the service manager says to a service through environment variables.
///
/// Read once at start and handed on as a value: nobody reads the environment later, and tests hand in their own.
/// systemd.exec(5), "Environment Variables Set on Executed Processes".
package struct ServiceEnvironment: Equatable, Sendable {
    /// `NOTIFY_SOCKET`: where state changes are sent; a path, or `@` and an abstract name.
    package var notifySocket: String?
    /// `WATCHDOG_USEC`: microseconds within which a sign of life is expected.
    package var watchdogMicroseconds: String?
    /// `WATCHDOG_PID`: the process from which it is expected.
    package var watchdogPID: String?
    /// `JOURNAL_STREAM`: device and inode of the stream that leads to the journal, `8:4711`.
    package var journalStream: String?

    package init(
        notifySocket: String? = nil,
        watchdogMicroseconds: String? = nil,
        watchdogPID: String? = nil,
        journalStream: String? = nil
    ) {
        self.notifySocket = notifySocket
        self.watchdogMicroseconds = watchdogMicroseconds
        self.watchdogPID = watchdogPID
        self.journalStream = journalStream
    }

    /// The environment of this process, as it is now.
    package static func ofThisProcess() -> ServiceEnvironment {
        ServiceEnvironment(
            notifySocket: variable("NOTIFY_SOCKET"),
            watchdogMicroseconds: variable("WATCHDOG_USEC"),
            watchdogPID: variable("WATCHDOG_PID"),
            journalStream: variable("JOURNAL_STREAM")
        )
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }
}
