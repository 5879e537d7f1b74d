import CSystemd
import KSMClient
import KSMSystemd
import KSMTestSupport
import Testing

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
