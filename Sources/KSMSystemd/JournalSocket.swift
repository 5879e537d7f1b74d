import Glibc

/// The journal's socket, written to without waiting for a journal that stands still.
///
/// `sd_journal_sendv` waits for a journald that is stopped, or that hangs until its watchdog ends it after minutes, as
/// soon as the socket's queue is full; its descriptor is its own, so that it cannot be told not to. What is sent is the
/// same: systemd.io/JOURNAL_NATIVE_PROTOCOL.
struct JournalSocket {
    private static let path = "/run/systemd/journal/socket"
    /// How long the first entry waits that the journal does not take, in microseconds: a busy journal reads within a
    /// millisecond, and the loop may be late by 100.
    private static let patience = 50_000

    private let descriptor: Int32
    /// The journal has not taken the last entry in time: the next ones do not wait.
    private var isStuck = false

    init() {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 0, tv_usec: JournalSocket.patience)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Closes it; nothing can be sent any more.
    func end() { close(descriptor) }

    /// Sends an entry with these fields, `NAME=value` each.
    ///
    /// - Returns: 0, or minus the reason why the journal does not have it: EAGAIN where it does not read, ENOENT and
    ///   ECONNREFUSED where there is none, EMSGSIZE for an entry that is too long to be sent so (some 200 KiB).
    mutating func send(_ fields: UnsafeBufferPointer<iovec>) -> Int32 {
        var entry: [UInt8] = []
        for field in fields {
            JournalSocket.append(UnsafeRawBufferPointer(start: field.iov_base, count: field.iov_len), &entry)
        }
        let flags = Int32(MSG_NOSIGNAL) | (isStuck ? Int32(MSG_DONTWAIT) : 0)
        var failure = send(entry, flags)
        while failure == EINTR { failure = send(entry, flags) }
        isStuck = failure == EAGAIN
        return 0 &- failure
    }

    private func send(_ entry: [UInt8], _ flags: Int32) -> Int32 {
        var address = sockaddr_un(path: JournalSocket.path)
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                return sendto(descriptor, entry, entry.count, flags, address, length) < 0 ? errno : 0
            }
        }
    }

    /// Appends a field as a line, or with its length where the value has several lines.
    private static func append(_ field: UnsafeRawBufferPointer, _ entry: inout [UInt8]) {
        let newline = UInt8(ascii: "\n")
        if field.contains(newline), let end = field.firstIndex(of: UInt8(ascii: "=")) {
            entry += field[..<end]
            entry.append(newline)
            let length = UInt64(field.count - end - 1)
            for byte in 0..<8 { entry.append(UInt8(truncatingIfNeeded: length >> (8 * UInt64(byte)))) }
            entry += field[(end + 1)...]
        } else {
            entry += field
        }
        entry.append(newline)
    }
}
