import Glibc
package import KSMKernel

/// ksmtuned's debug log (`DEBUG=1`, `LOGFILE=`): its lines, each behind the output of date(1) and a colon.
package final class LegacyLog {
    /// The log for which the shipped unit has room.
    package static let shippedPath = "/var/log/ksmtuned"
    /// Why another one cannot be written, and what helps.
    package static let sandboxRemark =
        "the unit's sandbox allows \(shippedPath) only: for another place see"
        + " /usr/share/doc/ksmd/examples/log-file.conf"

    /// What helps against `error`; empty where that is plain.
    static func remark(_ error: SystemError) -> String {
        guard [EROFS, EACCES, EPERM, ENOENT].contains(error.errno) else { return "" }
        return "; "
            + (error.path == shippedPath
                ? "`systemd-tmpfiles --create` makes it, and a restart lets ksmd see it" : sandboxRemark)
    }

    private let root: KernelRoot
    private let path: String?

    /// - Parameter path: the file; `nil` is standard error.
    package init(_ root: KernelRoot, path: String?) {
        self.root = root
        self.path = path
    }

    /// Appends the lines.
    ///
    /// The file is opened anew each time, so that a rotated log is followed, and never through a link in its last part.
    package func write(_ lines: [String]) throws(SystemError) {
        guard !lines.isEmpty else { return }
        let date = LegacyLog.date()
        let text = lines.map { "\(date): \($0)\n" }.joined()
        guard let path else { return put(text, STDERR_FILENO) }
        let file = try root.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
        put(text, file.raw)
    }

    /// Standard error can be a full pipe: then the lines are lost, and not the loop.
    private func put(_ text: String, _ descriptor: Int32) {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1, request.revents & Int16(POLLOUT) != 0 else { return }
        _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
    }

    /// As date(1) prints it in the C locale: `Wed Nov 25 11:07:29 UTC 2026`.
    private static func date() -> String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = strftime(buffer.baseAddress, buffer.count, "%a %b %e %H:%M:%S %Z %Y", &parts)
            return String(decoding: UnsafeRawBufferPointer(buffer).prefix(length), as: UTF8.self)
        }
    }
}
