import Glibc

/// Signals that end the demonstration.
///
/// They are blocked all the time and fetched where the demonstration waits, so nothing is ever left half done.
struct Signals {
    private var ending = sigset_t()

    /// Blocks them.
    ///
    /// SIGPIPE is ignored: a reader that has gone (`./run | head`) shows up as an error of the write.
    init() {
        sigemptyset(&ending)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&ending, number) }
        sigprocmask(SIG_BLOCK, &ending, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them.
    /// - Returns: its number, or `nil` when none came in time.
    func wait(milliseconds: Int) -> Int32? {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var set = ending
        let number = sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }
}
