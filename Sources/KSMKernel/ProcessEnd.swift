import CLinux
import Glibc

/// Is woken when a process ends: a descriptor (pidfd) that belongs to the process and never to a later one with its pid.
package final class ProcessEnd {
    package let pid: Int32
    private let descriptor: FileDescriptor

    private init(pid: Int32, owning raw: Int32) {
        self.pid = pid
        descriptor = FileDescriptor(owning: raw)
    }

    /// Opens the descriptor; `nil` where the kernel has none (before 5.3) or it is forbidden.
    ///
    /// A pid that was read earlier may meanwhile be another process'. To know, read something on a descriptor that was
    /// opened earlier, such as the guest's `statm`: while that answers, the process lives, and this is its end.
    /// - Throws: ESRCH when the process has gone, EMFILE, and EINVAL or ENOENT for a thread that is not its process'
    ///   first.
    package static func open(pid: Int32) throws(SystemError) -> ProcessEnd? {
        let raw = ksmd_process_end(pid)
        if raw >= 0 { return ProcessEnd(pid: pid, owning: raw) }
        if raw == -ENOSYS || raw == -EPERM { return nil }
        throw SystemError(operation: "watch the end of", path: "process \(pid)", errno: -raw)
    }

    /// The descriptor to wait for, until it can be read; from the end of the process on it always can.
    package var raw: Int32 { descriptor.raw }

    /// Signals the process.
    /// - Throws: ESRCH when it has ended, EPERM.
    package func signal(_ number: Int32) throws(SystemError) {
        let cause = ksmd_signal_process(raw, number)
        guard cause == 0 else { throw SystemError(operation: "signal", path: "process \(pid)", errno: cause) }
    }

    /// Whether the process has ended, also when nobody has reaped it yet.
    package var hasEnded: Bool {
        var request = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }
}
