import CSystemd
import Foundation
import Glibc
import KSMClient
import KSMTestSupport
import Testing

@testable import KSMSystemd

/// What systemd-machined says on a bus, without its machines.
final class Machined {
    private let loop: EventLoop
    private let connection: BusConnection
    private let object = BusObject(
        path: "/org/freedesktop/machine1",
        interface: "org.freedesktop.machine1.Manager",
        methods: [],
        properties: [],
        signals: []
    )

    /// Waits until it has machined's name.
    init(_ bus: BusDaemon) throws {
        loop = try EventLoop()
        connection = try BusConnection(.address(bus.address), loop: loop)
        var isOwner = false
        try connection.requestName("org.freedesktop.machine1") { if case .owned = $0 { isOwner = true } }
        let isNamed = try eventually {
            _ = try loop.runOnce(timeoutMilliseconds: 10)
            return isOwner
        }
        try #require(isNamed)
    }

    /// A machine has come; of the signal's two values only the first, its name.
    func tellNew(_ name: String) throws {
        try connection.emit(object, signal: "MachineNew") { $0.append(name) }
        _ = try loop.runOnce(timeoutMilliseconds: 0)
    }
}

/// ksmd, as another program on its bus sees it.
final class KSMDOnBus {
    static let target = BusTarget(service: "org.ksmd1", path: "/org/ksmd1", interface: "org.ksmd1")
    private let client: BusClient

    /// `nil` while there is no bus.
    init?(_ bus: BusDaemon) {
        guard let client = try? BusClient(.address(bus.address), timeoutMilliseconds: 5000) else { return nil }
        self.client = client
    }

    /// `nil` while it does not answer.
    var version: String? { try? client.property(KSMDOnBus.target, "Version", mayStart: false).text }
}

/// One program that calls ksmd without waiting for the answers.
final class Caller {
    private let loop: EventLoop
    private let connection: BusConnection
    private var listeners: [BusListener] = []
    private(set) var answers = 0
    private(set) var errors: [String] = []

    init(_ bus: BusDaemon) throws {
        loop = try EventLoop()
        connection = try BusConnection(.address(bus.address), loop: loop)
    }

    /// Calls a method `count` times at once.
    func call(_ member: String, _ count: Int) throws {
        let target = KSMDOnBus.target
        for _ in 0..<count {
            var message: OpaquePointer?
            sd_bus_message_new_method_call(
                connection.raw,
                &message,
                target.service,
                target.path,
                target.interface,
                member
            )
            defer { sd_bus_message_unref(message) }
            let listener = BusListener { [unowned self] in take($0) }
            listeners.append(listener)
            let (callback, userdata) = (BusListener.callback, listener.userdata)
            let result = sd_bus_call_async(connection.raw, &listener.slot, message, callback, userdata, 0)
            try #require(result >= 0)
        }
    }

    private func take(_ message: BusMessage) {
        answers += 1
        guard sd_bus_message_is_method_error(message.raw, nil) > 0 else { return }
        errors.append(BusFailure(message.raw).message)
    }

    /// Waits for all answers, half a minute at most.
    func wait() throws {
        let end = now() + 30
        while answers < listeners.count, now() < end { _ = try loop.runOnce(timeoutMilliseconds: 100) }
    }
}

/// Another program, in a thread, that reads a property of ksmd over and over and takes the time of each answer.
final class Reader: @unchecked Sendable {
    private let lock = NSLock()
    private var ends = false
    private var hasEnded = false
    private var times: [Double] = []
    private var failures = 0

    init(_ bus: BusDaemon) throws {
        let ksmd = try #require(KSMDOnBus(bus))
        let once = UncheckedKSMD(ksmd)
        Thread.detachNewThread { [self] in
            while !lock.withLock({ ends }) { read(once.ksmd) }
            lock.withLock { hasEnded = true }
        }
    }

    /// The thread's alone, once it runs.
    private struct UncheckedKSMD: @unchecked Sendable {
        let ksmd: KSMDOnBus
        init(_ ksmd: KSMDOnBus) { self.ksmd = ksmd }
    }

    private func read(_ ksmd: KSMDOnBus) {
        let start = now()
        let isAnswered = ksmd.version != nil
        lock.withLock {
            times.append(now() - start)
            if !isAnswered { failures += 1 }
        }
    }

    /// How many answers there were until now.
    var count: Int { lock.withLock { times.count } }

    /// Ends it.
    ///
    /// - Returns: the seconds of each answer, and how many there were not.
    func end() -> (times: [Double], failures: Int) {
        lock.withLock { ends = true }
        _ = eventually { lock.withLock { hasEnded } }
        return lock.withLock { (times, failures) }
    }
}
