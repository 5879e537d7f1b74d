import Glibc
package import KSMKernel

/// One ksmd per machine: a POSIX record lock on `/run/ksmd/ksmd.lock`.
///
/// The kernel lets go of the lock when the process ends however it ends, and tells its holder's pid to anybody who can
/// read the file (fcntl(2), F_GETLK), so nothing is ever looked up by name. Forked children do not inherit it.
package final class InstanceLock {
    package static let path = "/run/ksmd/ksmd.lock"
    private let descriptor: FileDescriptor

    /// Takes the lock.
    ///
    /// - Throws: EAGAIN or EACCES when another process has it.
    package init(_ root: KernelRoot) throws(SystemError) {
        try root.makeDirectories(for: InstanceLock.path)
        descriptor = try root.create(InstanceLock.path, O_RDWR, mode: 0o644)
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor.raw, F_SETLK, &lock) == 0 else {
            throw SystemError(operation: "lock", path: InstanceLock.path, errno: errno)
        }
    }

    /// The pid of the running daemon; `nil` when none runs.
    /// - Throws: when the file is there and cannot be read.
    package static func holder(_ root: KernelRoot) throws(SystemError) -> Int32? {
        let descriptor: FileDescriptor
        do {
            // The directory is ksmd's user's: root's ksmctl follows no link there, and waits for no pipe.
            descriptor = try root.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            if error.isAbsent { return nil }
            throw error
        }
        var lock = flock()
        lock.l_type = Int16(F_RDLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor.raw, F_GETLK, &lock) == 0 else {
            throw SystemError(operation: "ask for the lock of", path: path, errno: errno)
        }
        guard lock.l_type != Int16(F_UNLCK) else { return nil }
        // A lock of another kind has pid -1, one from another pid namespace 0: signals to these go to everybody.
        guard lock.l_pid > 1 else { throw SystemError(operation: "find the holder of", path: path, errno: ESRCH) }
        return lock.l_pid
    }
}
