import Glibc

/// Takes SIGINT, SIGTERM and SIGHUP as a wish to break off, so that nothing is left half done.
///
/// The signals are blocked and stay pending: no handler runs, and a second one changes nothing. They stay blocked until
/// the process ends.
package struct Cancellation {
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    package init() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in Cancellation.signals { sigaddset(&set, number) }
        sigprocmask(SIG_BLOCK, &set, nil)
        // Nobody reading the progress is no reason to stop in mid-way.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Whether one of the signals has come.
    package var isWanted: Bool {
        var pending = sigset_t()
        guard sigpending(&pending) == 0 else { return false }
        return Cancellation.signals.contains { sigismember(&pending, $0) == 1 }
    }
}
