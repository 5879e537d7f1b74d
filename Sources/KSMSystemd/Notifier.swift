import Glibc

/// Tells the service manager how the daemon is doing: the protocol of sd_notify(3).
///
/// Without `NOTIFY_SOCKET` nothing is sent. Only the process that made the notifier speaks: in a forked child every
/// call is silent. The protocol is a stable interface of systemd (sd_notify(3), "Notes") and is spoken here directly,
/// because `sd_notify` reads the environment at every call and waits without limit for a manager that does not read.
package final class Notifier {
    /// Why the last message was not delivered; `nil` if it was, or if nobody listens.
    package private(set) var failure: SystemdError?
    /// Within how many microseconds the service manager wants a sign of life from this process; `nil` if it does not.
    ///
    /// `WATCHDOG_USEC`, if `WATCHDOG_PID` is this process or absent; sd_watchdog_enabled(3).
    package let watchdogIntervalMicroseconds: UInt64?

    private let socket: NotifySocket?
    private let owner = getpid()

    /// Opens the way to the service manager.
    ///
    /// A bad address is kept as `failure`: it must not stop the daemon.
    package init(environment: ServiceEnvironment = .ofThisProcess()) {
        watchdogIntervalMicroseconds = Notifier.watchdogInterval(environment, pid: owner)
        guard let address = environment.notifySocket else {
            socket = nil
            return
        }
        do throws(SystemdError) {
            socket = try NotifySocket(address: address)
        } catch {
            socket = nil
            failure = error
        }
    }

    /// Start-up or a reload is complete.
    package func ready(status: String? = nil) { send("READY=1", status: status) }

    /// One sentence on the state of the daemon, shown by `systemctl status`.
    ///
    /// Newlines and other control characters become spaces, and what is longer than 2,048 bytes is cut. A status that
    /// the manager has no room for at the moment is dropped: the next one replaces it anyway.
    package func status(_ sentence: String) { send(nil, status: sentence, wait: false) }

    /// The configuration is being read again; `ready(status:)` ends it.
    package func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds())") }

    /// The daemon is about to end.
    package func stopping(status: String? = nil) { send("STOPPING=1", status: status) }

    /// A sign of life.
    package func watchdog() { send("WATCHDOG=1") }

    /// Asks for a sign of life within `microseconds` from now on, in place of the unit's `WatchdogSec=`.
    package func watchdogUSec(_ microseconds: UInt64) { send("WATCHDOG_USEC=\(microseconds)") }

    private func send(_ assignments: String?, status: String? = nil, wait: Bool = true) {
        guard let socket, getpid() == owner else { return }
        var message = assignments.map { Array($0.utf8) } ?? []
        if let status {
            if !message.isEmpty { message.append(UInt8(ascii: "\n")) }
            message += Array("STATUS=".utf8) + oneLine(status, limit: Notifier.longestStatus)
        }
        failure = socket.send(message, wait: wait)
    }

    /// The manager ignores a message of more than 4,096 bytes (systemd's NOTIFY_BUFFER_MAX); half of it is plenty.
    private static let longestStatus = 2048

    private static func watchdogInterval(_ environment: ServiceEnvironment, pid: Int32) -> UInt64? {
        guard let text = environment.watchdogMicroseconds, let interval = UInt64(text) else { return nil }
        guard interval > 0, interval < .max else { return nil }
        if let watched = environment.watchdogPID, Int32(watched) != pid { return nil }
        return interval
    }
}

/// The service manager's datagram socket, as seen from the daemon.
private final class NotifySocket {
    private let descriptor: Int32
    private var address = sockaddr_un()
    private let addressLength: socklen_t
    private let name: String

    /// Makes a socket of our own and keeps the manager's address: `/path`, or `@name` for an abstract one.
    init(address name: String) throws(SystemdError) {
        self.name = name
        addressLength = try NotifySocket.fill(&address, with: name)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemdError(operation: "open a socket to \(name)", code: errno) }
        // A manager that does not read for a tenth of a second would hold up the loop beyond its budget.
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends one datagram and says why it could not.
    func send(_ message: [UInt8], wait: Bool) -> SystemdError? {
        let flags = Int32(MSG_NOSIGNAL) | (wait ? 0 : Int32(MSG_DONTWAIT))
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, flags, $0, addressLength)
            }
        }
        return sent >= 0 ? nil : SystemdError(operation: "notify \(name)", code: errno)
    }

    /// Writes the address and returns its length; unix(7).
    private static func fill(_ address: inout sockaddr_un, with name: String) throws(SystemdError) -> socklen_t {
        var path = Array(name.utf8)
        guard path.count > 1, let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else {
            throw SystemdError(operation: "notify \(name)", code: EAFNOSUPPORT)
        }
        if first == UInt8(ascii: "@") { path[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.count < room.count else { return false }
            room.copyBytes(from: path)
            return true
        }
        guard fits else { throw SystemdError(operation: "notify \(name)", code: ENAMETOOLONG) }
        return socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + socklen_t(path.count)
    }
}
