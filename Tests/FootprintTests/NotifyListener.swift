import Foundation
import Glibc

/// The service manager's end of the notify socket: each datagram with its sender and when it was sent.
final class NotifyListener {
    struct Message {
        var text: String
        var sender: Int32
        /// CLOCK_REALTIME in nanoseconds, taken by the kernel when the datagram arrived.
        var nanoseconds: UInt64
    }

    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw POSIXError(.EIO) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            room.count > path.utf8.count
                && {
                    room.copyBytes(from: path.utf8); return true
                }()
        }
        guard fits else { throw POSIXError(.ENAMETOOLONG) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        var on: Int32 = 1
        for option in [SO_PASSCRED, SO_TIMESTAMPNS] {
            setsockopt(descriptor, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit {
        close(descriptor)
    }

    /// Takes messages up to the first that `isWanted`; `nil` when none of those that have come is.
    func next(_ isWanted: (String) -> Bool) throws -> Message? {
        while let message = receive() {
            if isWanted(message.text) { return message }
        }
        return nil
    }

    /// Throws away what has come.
    func drain() {
        while receive() != nil {}
    }

    private func receive() -> Message? {
        var bytes = [UInt8](repeating: 0, count: 8192)
        var control = [UInt8](repeating: 0, count: 256)
        return bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var header = msghdr()
                    header.msg_iov = part
                    header.msg_iovlen = 1
                    header.msg_control = control.baseAddress
                    header.msg_controllen = control.count
                    let count = recvmsg(descriptor, &header, 0)
                    guard count >= 0 else { return nil }
                    var message = Message(
                        text: String(decoding: bytes.prefix(count), as: UTF8.self),
                        sender: 0,
                        nanoseconds: 0
                    )
                    NotifyListener.read(UnsafeRawBufferPointer(control).prefix(header.msg_controllen), into: &message)
                    return message
                }
            }
        }
    }

    /// The control messages: Swift imports the structures but not the CMSG_ macros.
    private static func read(_ control: Slice<UnsafeRawBufferPointer>, into message: inout Message) {
        let bytes = UnsafeRawBufferPointer(rebasing: control)
        let head = MemoryLayout<cmsghdr>.size
        var offset = 0
        while offset + head <= bytes.count {
            let header = bytes.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
            guard header.cmsg_len >= head, offset + header.cmsg_len <= bytes.count else { return }
            if header.cmsg_type == 2 {  // SCM_CREDENTIALS: struct ucred begins with the pid
                message.sender = bytes.loadUnaligned(fromByteOffset: offset + head, as: Int32.self)
            } else if header.cmsg_type == SO_TIMESTAMPNS {
                let time = bytes.loadUnaligned(fromByteOffset: offset + head, as: timespec.self)
                message.nanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
            }
            offset += (header.cmsg_len + 7) & ~7
        }
    }
}
