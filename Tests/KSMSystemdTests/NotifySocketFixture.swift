import Glibc
import KSMSystemd
import Testing

/// A service manager's notification socket: an abstract datagram socket with a name from the kernel.
final class ManagerSocket {
    let descriptor: Int32
    /// As in `NOTIFY_SOCKET`.
    let address: String

    /// Binds to `path`, or to an abstract name of the kernel's choosing.
    init(path: String? = nil) throws {
        descriptor = try succeed("socket", socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        if let path { withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) } }
        // With the family alone the kernel picks an abstract name; unix(7), "Autobind feature".
        var length = socklen_t(2 + (path?.utf8.count ?? 0))
        let descriptor = descriptor
        address = try withUnsafeMutablePointer(to: &name) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try succeed("bind", bind(descriptor, $0, length))
                length = socklen_t(MemoryLayout<sockaddr_un>.size)
                try succeed("getsockname", getsockname(descriptor, $0, &length))
            }
            if let path { return path }
            return withUnsafeBytes(of: &pointer.pointee.sun_path) { "@" + text(Array($0[1..<Int(length) - 2])) }
        }
    }

    deinit { close(descriptor) }

    var environment: ServiceEnvironment { ServiceEnvironment(notifySocket: address) }

    /// The next message, or `nil` if there is none now.
    func message() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : text(Array(buffer[..<count]))
    }
}
