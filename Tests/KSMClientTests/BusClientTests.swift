import Foundation
import KSMClient
import KSMSystemd
import KSMTestSupport
import Testing

/// A service on a bus of its own that runs in a thread until it is let go of.
private final class Service {
    static let target = BusTarget(service: "org.ksmd1.test", path: "/org/ksmd1", interface: "org.ksmd1.Test")

    let daemon: BusDaemon
    private let thread: Thread
    private let state = State()

    /// What both threads look at.
    final class State: @unchecked Sendable {
        private let lock = NSLock()
        private var ends = false
        private var isReady = false
        private var hasEnded = false

        var shallEnd: Bool { lock.withLock { ends } }
        var ready: Bool { lock.withLock { isReady } }
        var ended: Bool { lock.withLock { hasEnded } }
        func end() { lock.withLock { ends = true } }
        func setReady() { lock.withLock { isReady = true } }
        func setEnded() { lock.withLock { hasEnded = true } }
    }

    init() throws {
        daemon = try BusDaemon()
        let (address, state) = (daemon.address, state)
        thread = Thread { Service.serve(address, state) }
        thread.start()
        try #require(eventually { state.ready })
    }

    deinit {
        state.end()
        _ = eventually { state.ended }
    }

    private static func serve(_ address: String, _ state: State) {
        defer { state.setEnded() }
        guard let loop = try? EventLoop(), let connection = try? BusConnection(.address(address), loop: loop) else {
            return
        }
        var silent: [BusCall] = []
        try? connection.add(object { silent.append($0) })
        try? connection.requestName(target.service) { if case .owned = $0 { state.setReady() } }
        while !state.shallEnd { _ = try? loop.runOnce(timeoutMilliseconds: 5) }
        silent.removeAll()
    }

    private static func object(keep: @escaping (BusCall) -> Void) -> BusObject {
        BusObject(
            path: target.path,
            interface: target.interface,
            methods: [
                BusMethod("Join", takes: "text s, n t, yes b, small u", returns: "all s, n t") {
                    (call: BusCall) throws(BusFailure) in
                    let (text, number) = (try call.message.readString(), try call.message.readUInt64())
                    let (yes, small) = (try call.message.readBool(), try call.message.readUInt32())
                    call.reply { message in
                        message.append("\(text) \(number) \(yes) \(small)")
                        message.append(number)
                    }
                },
                BusMethod("Hold") { (_) throws(BusFailure) in
                    throw BusFailure(name: "org.ksmd1.Error.Held", message: "it is held")
                },
                BusMethod("Wait", handler: keep),
                BusMethod("Refuse") { $0.fail(.accessDenied("only root may")) },
            ],
            properties: [
                BusProperty("State", "s", .emitted) { $0.append("scanning") },
                BusProperty("Saved", "t", .emitted) { $0.append(UInt64.max) },
                BusProperty("Profit", "x", .emitted) { $0.append(Int64(-5)) },
                BusProperty("Share", "d", .emitted) { $0.append(0.25) },
                BusProperty("Paused", "b", .emitted) { $0.append(false) },
                BusProperty("Names", "as", .emitted) { $0.append(["a", "b"]) },
                BusProperty("Nodes", "a(uttt)", .emitted) { message in
                    message.array(of: "(uttt)") { message in
                        message.structure("uttt") { message in
                            message.append(UInt32(1))
                            for figure in 2...4 { message.append(UInt64(figure)) }
                        }
                    }
                },
                BusProperty("Last", "a{sv}", .emitted) { message in
                    message.array(of: "{sv}") { message in
                        message.entry("reason", "s") { $0.append("pressure") }
                        message.entry("pages", "t") { $0.append(UInt64(7)) }
                    }
                },
            ]
        )
    }
}

@Suite("A client of the bus", .enabled(if: BusDaemon.canRun, "needs dbus-daemon"))
struct BusClientTests {
    private static let target = Service.target

    @Test("A method is called with its arguments, and its results come back")
    func call() throws {
        let service = try Service()
        let client = try BusClient(.address(service.daemon.address), timeoutMilliseconds: 10_000)
        let values = try client.call(Self.target, "Join") { message in
            message.append("größer")
            message.append(UInt64.max)
            message.append(true)
            message.append(UInt32.max)
        }
        #expect(values == [.text("größer 18446744073709551615 true 4294967295"), .unsigned(.max)])
    }

    @Test("Properties are read with their types, one and all")
    func properties() throws {
        let service = try Service()
        let client = try BusClient(.address(service.daemon.address), timeoutMilliseconds: 10_000)
        let expected: [(String, BusValue)] = [
            ("State", .text("scanning")), ("Saved", .unsigned(.max)), ("Profit", .signed(-5)), ("Share", .double(0.25)),
            ("Paused", .boolean(false)), ("Names", .array([.text("a"), .text("b")])),
            ("Nodes", .array([.structure([.unsigned(1), .unsigned(2), .unsigned(3), .unsigned(4)])])),
        ]
        let all = try client.properties(Self.target)
        for (name, value) in expected {
            #expect(try client.property(Self.target, name) == value)
            #expect(all[name] == value)
        }
        let last = try client.property(Self.target, "Last")
        #expect(last["reason"]?.text == "pressure" && last["pages"]?.unsigned == 7 && last["other"] == nil)
        #expect(last == all["Last"])
    }

    @Test("What goes wrong is told apart: refused, failed, not there")
    func errors() throws {
        let service = try Service()
        let client = try BusClient(.address(service.daemon.address), timeoutMilliseconds: 10_000)
        let held = BusFailure(name: "org.ksmd1.Error.Held", message: "it is held")
        #expect(throws: BusCallError.failed(held)) { try client.call(Self.target, "Hold") }
        #expect(throws: BusCallError.notPermitted(.accessDenied("only root may"))) {
            try client.call(Self.target, "Refuse")
        }
        for (member, name) in [("Other", "UnknownMethod"), ("Join", "InvalidArgs")] {
            guard case .failed(let failure) = error({ try client.call(Self.target, member) }) else {
                Issue.record("\(member)")
                continue
            }
            #expect(failure.name == "org.freedesktop.DBus.Error." + name)
        }
        guard case .failed = error({ _ = try client.property(Self.target, "Other") }) else {
            Issue.record("an unknown property")
            return
        }
    }

    /// What `body` throws.
    private func error(_ body: () throws -> Void) -> BusCallError? {
        do {
            try body()
            return nil
        } catch {
            return error as? BusCallError
        }
    }

    @Test("A service that is not there is told, and is started only if it may be")
    func noService() throws {
        let daemon = try BusDaemon()
        try daemon.addService("org.ksmd1.startable")
        let client = try BusClient(.address(daemon.address), timeoutMilliseconds: 10_000)
        let absent = BusTarget(service: "org.ksmd1.absent", path: "/", interface: "org.ksmd1")
        let startable = BusTarget(service: "org.ksmd1.startable", path: "/", interface: "org.ksmd1")
        for (target, mayStart) in [(absent, true), (absent, false), (startable, false)] {
            guard case .noService = error({ try client.call(target, "Retune", mayStart: mayStart) }) else {
                Issue.record("\(target) \(mayStart)")
                continue
            }
        }
        #expect(!daemon.hasStartedService)
        // It is started, and is gone again without having taken its name.
        guard case .noService = error({ try client.call(startable, "Retune") }) else {
            Issue.record("a service that has failed to start")
            return
        }
        #expect(daemon.hasStartedService)
    }

    @Test("A service that does not answer is waited for as long as was said, and no longer")
    func silence() throws {
        let service = try Service()
        let client = try BusClient(.address(service.daemon.address), timeoutMilliseconds: 200)
        let begin = Date()
        guard case .noAnswer = error({ try client.call(Self.target, "Wait") }) else {
            Issue.record("an answer that nobody gave")
            return
        }
        #expect(Date().timeIntervalSince(begin) >= 0.2)
        #expect(Date().timeIntervalSince(begin) < 10)
        #expect(try client.property(Self.target, "State") == .text("scanning"))
    }

    @Test("No bus, a bus that has gone and a bus that does not answer are told apart from a service's errors")
    func noBus() throws {
        let nowhere = BusAddress.address("unix:path=/nonexistent/bus")
        let missing = SystemdError(operation: "connect to the bus at unix:path=/nonexistent/bus", code: ENOENT)
        #expect(throws: BusCallError.noBus(missing)) { try BusClient(nowhere, timeoutMilliseconds: 100) }

        let daemon = try BusDaemon()
        let client = try BusClient(.address(daemon.address), timeoutMilliseconds: 10_000)
        let pid = try #require(daemon.pid)
        kill(pid, SIGSTOP)
        let late = error { _ = try BusClient(.address(daemon.address), timeoutMilliseconds: 100) }
        #expect(late == .noBus(SystemdError(operation: "connect to the bus at \(daemon.address)", code: ETIMEDOUT)))
        daemon.stop()
        guard case .noBus = error({ try client.call(Self.target, "Hold") }) else {
            Issue.record("a bus that has gone")
            return
        }
    }

    @Test("What cannot be sent is an error and not a trap", arguments: ["", "not a name", "a.b"])
    func unsendable(_ member: String) throws {
        let daemon = try BusDaemon()
        let client = try BusClient(.address(daemon.address), timeoutMilliseconds: 10_000)
        guard case .failed = error({ try client.call(Self.target, member) }) else {
            Issue.record("\(member) was sent")
            return
        }
    }
}
