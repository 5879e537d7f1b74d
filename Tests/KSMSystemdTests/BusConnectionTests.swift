import CSystemd
import Foundation
import KSMTestSupport
import Testing

@testable import KSMSystemd

@Suite("A connection to a bus", .enabled(if: BusDaemon.canRun, "needs dbus-daemon"))
struct BusConnectionTests {
    @Test("No bus is an error that says which", arguments: [("/nonexistent/bus", ENOENT), ("/dev/null", ECONNREFUSED)])
    func noBus(_ path: String, _ code: Int32) throws {
        let loop = try EventLoop()
        let error = #expect(throws: SystemdError.self) {
            try BusConnection(.address("unix:path=" + path), loop: loop)
        }
        #expect(error == SystemdError(operation: "connect to the bus at unix:path=\(path)", code: code))
    }

    @Test("A name that another program has is taken, one that the bus does not give is refused, and nobody queues")
    func names() throws {
        let fixture = try BusFixture()
        let other = try fixture.connect()
        var states: [BusNameState] = []
        try other.requestName(BusFixture.name) { states.append($0) }
        try fixture.drive { states.count == 1 }
        #expect(states == [.taken])
        try other.requestName("org.forbidden") { states.append($0) }
        try fixture.drive { states.count == 2 }
        guard case .refused(let failure) = states[1] else {
            Issue.record("\(states[1])")
            return
        }
        #expect(failure.name == "org.freedesktop.DBus.Error.AccessDenied")
        #expect(throws: SystemdError.self) { try other.requestName("not a name") { _ in } }
        fixture.service.close()
        #expect(try !fixture.busctl("list", "--acquired", "--no-legend").out.contains(BusFixture.name))
    }

    @Test("The loss of a name is told if the bus says so, and not if another program does")
    func loss() throws {
        let fixture = try BusFixture()
        let bus = "org.freedesktop.DBus"
        let forger = try fixture.connect()
        let ping = try Answer(forger, "Ping", path: "/", interface: "org.freedesktop.DBus.Peer")
        let unique = try uniqueName(of: fixture.service)
        try send(
            "NameLost",
            [BusFixture.name],
            from: forger,
            to: unique,
            path: "/org/freedesktop/DBus",
            interface: bus
        )
        let pong = try Answer(forger, "Ping", path: "/", interface: "org.freedesktop.DBus.Peer")
        try fixture.drive { ping.isThere && pong.isThere }
        #expect(fixture.nameStates == [.owned])

        let release = try Answer(fixture.service, "ReleaseName", destination: bus, path: "/", interface: bus) {
            $0.append(BusFixture.name)
        }
        try fixture.drive { release.isThere && fixture.nameStates.count == 2 }
        #expect(fixture.nameStates == [.owned, .lost])
    }

    @Test("A bus that is killed is told once, the loop goes on, and a new bus is a new connection")
    func killed() throws {
        var kept: [BusCall] = []
        let object = BusFixture.object([
            BusMethod("Keep") { kept.append($0) },
            BusMethod("Now", returns: "text s") { $0.reply { $0.append("here") } },
        ])
        let fixture = try BusFixture(object)
        var ends = 0
        fixture.service.onDisconnect = { ends += 1 }
        let client = try fixture.connect()
        let answer = try Answer(client, "Keep")
        try fixture.drive { kept.count == 1 }
        fixture.daemon.stop()
        try fixture.drive { ends > 0 && answer.isThere }
        #expect(!fixture.service.isOpen)
        // Nobody is there for the answer.
        kept[0].reply()
        #expect(throws: SystemdError.self) { try fixture.service.emit(object, signal: "Changed") }
        try spin(fixture, 100)
        #expect(ends == 1)

        try fixture.daemon.start()
        let again = try fixture.connect()
        try again.add(object)
        var states: [BusNameState] = []
        try again.requestName(BusFixture.name) { states.append($0) }
        try fixture.drive { !states.isEmpty }
        #expect(states == [.owned])
        #expect(try fixture.call("Now").text == "here")
    }

    /// Lets a timer fire some times.
    private func spin(_ fixture: BusFixture, _ count: Int) throws {
        var ticks = 0
        try fixture.loop.addTimer(afterMilliseconds: 0, accuracyMilliseconds: 0) { timer in
            ticks += 1
            if ticks < count { timer.rearm(at: 0) }
        }
        try fixture.drive { ticks == count }
    }

    @Test("run() does not end when the bus is killed")
    func runGoesOn() throws {
        let fixture = try BusFixture()
        let (daemon, loop) = (fixture.daemon, fixture.loop)
        fixture.service.onDisconnect = { [unowned loop] in
            _ = try? loop.addTimer(afterMilliseconds: 50, accuracyMilliseconds: 0) { [unowned loop] _ in
                loop.exit(code: 42)
            }
        }
        try loop.addTimer(afterMilliseconds: 0, accuracyMilliseconds: 0) { _ in daemon.stop() }
        try loop.addTimer(afterMilliseconds: 10_000, accuracyMilliseconds: 0) { [unowned loop] _ in loop.exit(code: 1) }
        #expect(try loop.run() == 42)
    }

    @Test("A bus that does not let us in is told once, as one that has gone")
    func refused() throws {
        let listener = try DeafBus()
        let loop = try EventLoop()
        let connection = try BusConnection(.address(listener.address), loop: loop)
        var ends = 0
        connection.onDisconnect = { ends += 1 }
        try listener.refuse()
        let end = loop.now() + 10_000_000
        while ends == 0, loop.now() < end { _ = try loop.runOnce(timeoutMilliseconds: 10) }
        while try loop.runOnce(timeoutMilliseconds: 50) {}
        #expect(ends == 1)
    }

    @Test("A connection can be closed, and let go of, in a handler of its own")
    func closedInside() throws {
        let fixture = try BusFixture()
        var other: BusConnection? = try fixture.connect()
        var states: [BusNameState] = []
        try other?.add(
            BusFixture.object([
                BusMethod("Leave", isForAnyone: true) { call in
                    call.reply()
                    other?.close()
                    other = nil
                }
            ])
        )
        try other?.requestName("org.ksmd1.other") { states.append($0) }
        try fixture.drive { states == [.owned] }
        let answer = try Answer(fixture.service, "Leave", destination: "org.ksmd1.other")
        try fixture.drive { answer.isThere }
        #expect(answer.failure == nil && other == nil)

        var third: BusConnection? = try fixture.connect()
        weak let watched = third
        third?.onDisconnect = { third = nil }
        fixture.daemon.stop()
        try fixture.drive { third == nil }
        #expect(watched == nil)
    }

    @Test("A bus that stands still does not make anything wait, and what it does not take is left out")
    func stopped() throws {
        let object = BusFixture.object(signals: [BusSignal("Changed", "text s")])
        let fixture = try BusFixture(object)
        let pid = try #require(fixture.daemon.pid)
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        let text = String(repeating: "x", count: 10_000)
        let begin = fixture.loop.now()
        var code: Int32?
        for _ in 0..<10_000 where code == nil {
            do throws(SystemdError) {
                try fixture.service.emit(object, signal: "Changed") { $0.append(text) }
            } catch {
                code = error.code
            }
            _ = try fixture.loop.runOnce(timeoutMilliseconds: 0)
        }
        #expect(code == ENOBUFS)
        #expect(fixture.loop.now() - begin < 5_000_000)
    }
}

/// A socket that nobody answers at.
final class DeafBus {
    let path = FileManager.default.temporaryDirectory.appending(path: "ksmd-\(UUID().uuidString.prefix(8))").path
    var address: String { "unix:path=" + path }
    private let listener: Int32

    init() throws {
        listener = try succeed("socket", socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        try succeed("bind", result)
        try succeed("listen", listen(listener, 1))
    }

    deinit {
        close(listener)
        unlink(path)
    }

    /// Accepts a connection and closes it.
    func refuse() throws { close(try succeed("accept", accept(listener, nil, nil))) }
}

@Suite("machined's signals", .enabled(if: BusDaemon.canRun, "needs dbus-daemon"))
struct BusMatchTests {
    @Test("Machines are told by name when the service has come, which is not started, and a forger is not believed")
    func machines() throws {
        let fixture = try BusFixture()
        try fixture.daemon.addService("org.freedesktop.machine1")
        var heard: [String] = []
        let match = BusMatch.machines { heard.append("\($0) \($1)") }
        #expect(!match.isActive)
        try fixture.service.add(match)
        try fixture.drive { match.isActive }

        let (machined, stranger) = (try fixture.connect(), try fixture.connect())
        var states: [BusNameState] = []
        try machined.requestName("org.freedesktop.machine1") { states.append($0) }
        try fixture.drive { states == [.owned] }
        let unique = try uniqueName(of: fixture.service)
        try announce("MachineNew", "forged", from: stranger)
        try announce("MachineNew", "sent to us alone", from: stranger, to: unique)
        // What the stranger sent has arrived before the answer to its call.
        let ping = try Answer(stranger, "Ping", path: "/", interface: "org.freedesktop.DBus.Peer")
        try fixture.drive { ping.isThere }
        try announce("MachineNew", "qemu-1-web", from: machined)
        try announce("Other", "no machine", from: machined)
        try announce("MachineRemoved", "qemu-1-web", from: machined)
        try fixture.drive { heard.last == "MachineRemoved qemu-1-web" }
        #expect(heard == ["MachineNew qemu-1-web", "MachineRemoved qemu-1-web"])
        #expect(!fixture.daemon.hasStartedService)
    }

    private func announce(
        _ member: String,
        _ machine: String,
        from connection: BusConnection,
        to destination: String? = nil
    ) throws {
        try send(
            member,
            [machine, "/org/freedesktop/machine1/machine/web"],
            from: connection,
            to: destination,
            path: "/org/freedesktop/machine1",
            interface: "org.freedesktop.machine1.Manager"
        )
    }
}
