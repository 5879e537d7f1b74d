import CLinux
import Glibc
import KSMText

/// Hears from the kernel that KVM has made or ended a virtual machine, whoever started it.
///
/// A netlink socket in the kernel's group of uevents, with a filter that lets through only those of the device `kvm`.
/// Needs no privilege. In a network namespace that belongs to a user namespace nothing is heard.
package final class UeventSocket {
    /// What one `drain()` has heard.
    package struct Heard: Equatable, Sendable {
        /// Machines made.
        package var created = 0
        /// Machines ended.
        package var destroyed = 0
        /// The kernel had more to say than the socket holds: look again at everything.
        package var missed = false
        /// Receiving failed; the socket will not get better.
        package var problem: SystemError?

        package init() {}
    }

    /// Messages that one `drain()` receives at most: two milliseconds of them, so that a storm does not stop the loop.
    package static let mostMessages = 512

    private let descriptor: FileDescriptor
    /// A message is no longer than UEVENT_BUFFER_SIZE (2,048) and its headline, a path (include/linux/kobject.h).
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 16)

    /// Opens the socket.
    /// - Throws: EPROTONOSUPPORT or EAFNOSUPPORT where there is no netlink, or it is forbidden.
    package init() throws(SystemError) {
        let raw = ksmd_uevent_socket()
        guard raw >= 0 else { throw UeventSocket.failure("open", -raw) }
        descriptor = FileDescriptor(owning: raw)
    }

    deinit {
        buffer.deallocate()
    }

    /// The descriptor to wait for, until it can be read.
    package var raw: Int32 { descriptor.raw }

    /// Receives what is there, without waiting.
    ///
    /// What is not received because it is too much stays: the descriptor can still be read then.
    package func drain() -> Heard {
        var heard = Heard()
        for _ in 0..<UeventSocket.mostMessages {
            let count = ksmd_receive_uevent(raw, buffer.baseAddress, buffer.count)
            if count >= 0 {
                heard.take(UnsafeRawBufferPointer(buffer).prefix(count))
            } else if count == -Int(ENOBUFS) {
                heard.missed = true
            } else if count == -Int(EAGAIN) {
                break
            } else if count != -Int(EINTR) {
                heard.problem = UeventSocket.failure("receive", Int32(-count))
                break
            }
        }
        return heard
    }

    private static func failure(_ operation: String, _ errno: Int32) -> SystemError {
        SystemError(operation: operation, path: "the socket of kernel events", errno: errno)
    }
}

extension UeventSocket.Heard {
    fileprivate mutating func take(_ message: Slice<UnsafeRawBufferPointer>) {
        let event = UnsafeRawBufferPointer(rebasing: message).withMemoryRebound(to: UInt8.self) {
            UeventText.parse($0.span)
        }
        switch event?.kind {
        case .created: created += 1
        case .destroyed: destroyed += 1
        case nil: break
        }
    }
}
