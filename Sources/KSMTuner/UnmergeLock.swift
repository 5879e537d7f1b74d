import Glibc
package import KSMKernel

/// Who may write `run`: `/run/ksmd/unmerge.lock` (flock(2)).
///
/// Whoever un-shares holds it alone; the daemon shares it while it writes. The kernel lets go of it when the process
/// ends, however it ends.
package final class UnmergeLock {
    package static let path = "/run/ksmd/unmerge.lock"

    package enum Kind {
        /// The daemon's, while it writes `run` and its companions.
        case shared
        /// The Unmerger's.
        case exclusive
    }

    private let descriptor: FileDescriptor

    /// Takes the lock or fails at once.
    ///
    /// - Throws: EWOULDBLOCK when somebody else has it.
    package init(_ root: KernelRoot, _ kind: Kind) throws(SystemError) {
        try root.makeDirectories(for: UnmergeLock.path)
        descriptor = try root.create(UnmergeLock.path, O_RDWR, mode: 0o600)
        while flock(descriptor.raw, (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            guard errno == EINTR else { throw SystemError(operation: "lock", path: UnmergeLock.path, errno: errno) }
        }
    }

    /// Whether somebody un-shares now.
    package static func isHeldAlone(_ root: KernelRoot) -> Bool {
        do {
            _ = try UnmergeLock(root, .shared)
            return false
        } catch {
            return error.errno == EWOULDBLOCK
        }
    }

    /// Takes the lock alone, waiting for a daemon that is writing.
    ///
    /// - Throws: EWOULDBLOCK when it is still held at the end of the wait, and at once when somebody else un-shares; EINTR
    ///   when `isCancelled` ends the wait.
    package static func wait(
        _ root: KernelRoot,
        milliseconds: UInt64,
        isCancelled: () -> Bool = { false }
    ) throws(SystemError) -> UnmergeLock {
        let end = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
        while true {
            do {
                return try UnmergeLock(root, .exclusive)
            } catch {
                guard error.errno == EWOULDBLOCK, Clock.monotonicNanoseconds() < end else { throw error }
            }
            // What cannot even be shared is held alone.
            _ = try UnmergeLock(root, .shared)
            if isCancelled() { throw SystemError(operation: "lock", path: UnmergeLock.path, errno: EINTR) }
            usleep(10_000)
        }
    }
}
