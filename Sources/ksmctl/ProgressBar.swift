import Glibc
import KSMKernel
import KSMReport
import KSMTuner

/// One line on a terminal's standard error that shows how far the work is.
final class ProgressBar {
    /// Ten times a second is as much as anybody sees.
    private static let intervalNanoseconds: UInt64 = 100_000_000
    private var lastNanoseconds: UInt64 = 0
    private var lastStage: Unmerger.Stage?

    /// `nil` where standard error is no terminal.
    init?() {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
    }

    func show(_ progress: Unmerger.Progress) {
        let now = Clock.monotonicNanoseconds()
        guard progress.stage != lastStage || now &- lastNanoseconds >= ProgressBar.intervalNanoseconds else { return }
        lastNanoseconds = now
        lastStage = progress.stage
        let line = ProgressLine.text(
            stage: progress.stage.rawValue,
            done: progress.done,
            total: progress.total,
            guest: progress.guest,
            remainingMilliseconds: progress.remainingMilliseconds,
            width: ProgressBar.width
        )
        put("\r" + line + ProgressBar.clearRest)
    }

    /// Takes the line away.
    func clear() {
        if lastStage != nil { put("\r" + ProgressBar.clearRest) }
    }

    /// ECMA-48, "erase in line": from the cursor to the end.
    private static let clearRest = "\u{1b}[K"

    private static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return TextLayout.width }
        return Int(size.ws_col)
    }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
