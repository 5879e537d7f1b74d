import Glibc

/// Is woken when processes wait for memory: a trigger on `/proc/pressure/memory`.
///
/// The kernel makes `raw` exceptional (EPOLLPRI) at most once per window, when within it some process has waited for
/// memory for longer than the stall. Nothing has to be read; waiting for it takes the event. It must not be waited for
/// as readable, which it always is. See Documentation/accounting/psi.rst.
package final class PressureTrigger {
    private static let path = "/proc/pressure/memory"

    /// The shortest window, which needs CAP_SYS_RESOURCE, in microseconds (WINDOW_MIN_US of kernel/sched/psi.c).
    package static let shortestWindow: UInt64 = 500_000
    /// The only window below ten seconds that everybody may have, or a multiple of it (psi_trigger_create, since 6.4).
    package static let plainWindow: UInt64 = 2_000_000

    private let descriptor: FileDescriptor
    /// The window that the kernel has granted, in microseconds.
    package let windowMicroseconds: UInt64
    /// How much waiting within a window is worth an event, in microseconds.
    package let stallMicroseconds: UInt64

    /// Sets the trigger.
    ///
    /// - Parameters:
    ///   - stallPermille: how much of a window, 1 to 1,000. With 10 to 30 it answers in the window in which memory gets
    ///     short; with 100 it was too late.
    ///   - windowMicroseconds: the window to try first; if it is refused it is 2 s.
    /// - Throws: ENOENT or EOPNOTSUPP where the kernel does not count pressure, EPERM where it gives triggers only to
    ///   CAP_SYS_RESOURCE (before 6.4), ENOTSUP on a recorded machine.
    package init(
        _ root: KernelRoot,
        stallPermille: UInt64,
        windowMicroseconds: UInt64 = PressureTrigger.shortestWindow
    ) throws(SystemError) {
        guard root.isLive else { throw PressureTrigger.failure(ENOTSUP) }
        var window = windowMicroseconds
        var result = try PressureTrigger.set(root, PressureTrigger.stall(window, stallPermille), window)
        if result == -EPERM || result == -EINVAL {
            window = PressureTrigger.plainWindow
            result = try PressureTrigger.set(root, PressureTrigger.stall(window, stallPermille), window)
        }
        guard result >= 0 else { throw PressureTrigger.failure(-result) }
        descriptor = FileDescriptor(owning: result)
        self.windowMicroseconds = window
        stallMicroseconds = PressureTrigger.stall(window, stallPermille)
    }

    /// The descriptor to wait for, until it is exceptional; an error on it means that the trigger is no more.
    package var raw: Int32 { descriptor.raw }

    /// A part of a window, at least a microsecond and at most all of it.
    private static func stall(_ window: UInt64, _ permille: UInt64) -> UInt64 {
        max(1, window / 1000 * min(permille, 1000))
    }

    /// - Returns: the descriptor with the trigger, or minus the reason why the kernel refuses it.
    private static func set(_ root: KernelRoot, _ stall: UInt64, _ window: UInt64) throws(SystemError) -> Int32 {
        let file = try root.open(path, O_RDWR | O_NONBLOCK)
        // The kernel overwrites the last byte that it is given with a NUL.
        let text = Array("some \(stall) \(window)\0".utf8)
        guard write(file.raw, text, text.count) == text.count else { return -errno }
        return file.take()
    }

    private static func failure(_ errno: Int32) -> SystemError {
        SystemError(operation: "set a trigger on", path: path, errno: errno)
    }
}
