import Glibc

/// A system call that failed: what was tried, on what, and why.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A verb: `open`, `read`, `write`, `fork`.
    package var operation: String
    /// The file as it is called on the machine, without the directory of a recorded one.
    package var path: String
    package var errno: Int32

    package init(operation: String, path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// `Failed to write /sys/kernel/mm/ksm/run: Device or resource busy`.
    package var description: String { "Failed to \(operation) \(path): \(cause)" }

    /// Trying again will not help: the kernel lacks the file, or this process may not have it.
    var isLasting: Bool { isAbsent || errno == EACCES || errno == EPERM }

    /// The text of the error number.
    package var cause: String { SystemError.text(of: errno) }

    /// The file or directory is not there, or the process has gone.
    package var isAbsent: Bool { errno == ENOENT || errno == ESRCH || errno == ENOTDIR }

    /// What the open file belonged to (a node, a cgroup) has gone: kernfs answers ENODEV (kernfs_get_active).
    var isGoneDevice: Bool { errno == ENODEV }

    /// The text of an error number (strerror_r).
    package static func text(of errno: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress else { return "error \(errno)" }
            guard strerror_r(errno, base, buffer.count) == 0 else { return "error \(errno)" }
            return String(cString: base)
        }
    }
}
