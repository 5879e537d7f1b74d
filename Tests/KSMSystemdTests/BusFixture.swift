import CSystemd
import Foundation
import KSMTestSupport
import Testing

@testable import KSMSystemd

/// A bus, a loop, and a service on that bus which this test is.
final class BusFixture {
    static let name = "org.ksmd1.test"
    static let path = "/org/ksmd1/test"
    static let interface = "org.ksmd1.Test"

    let daemon: BusDaemon
    let loop: EventLoop
    let service: BusConnection
    private(set) var nameStates: [BusNameState] = []

    /// Waits until the service has its name.
    init(_ object: BusObject? = nil) throws {
        daemon = try BusDaemon()
        loop = try EventLoop()
        service = try BusConnection(.address(daemon.address), loop: loop)
        if let object { try service.add(object) }
        try service.requestName(BusFixture.name) { [unowned self] in nameStates.append($0) }
        try drive { nameStates == [.owned] }
    }

    static func object(
        _ methods: [BusMethod] = [],
        properties: [BusProperty] = [],
        signals: [BusSignal] = []
    ) -> BusObject {
        BusObject(path: path, interface: interface, methods: methods, properties: properties, signals: signals)
    }

    func connect() throws -> BusConnection { try BusConnection(.address(daemon.address), loop: loop) }

    /// Runs the loop until `condition` holds, for ten seconds at most.
    func drive(_ location: SourceLocation = #_sourceLocation, until condition: () throws -> Bool) throws {
        let end = loop.now() + 10_000_000
        while try !condition() {
            try #require(loop.now() < end, "it has not happened", sourceLocation: location)
            _ = try loop.runOnce(timeoutMilliseconds: 10)
        }
    }

    /// Runs `busctl` while the loop answers it.
    func busctl(_ words: String..., as user: UInt32? = nil) throws -> (status: Int32, out: String, err: String) {
        let command = ["busctl", "--address=" + daemon.address] + words
        let program =
            try user.map { try Program("/usr/bin/setpriv", ["--reuid=\($0)", "--clear-groups"] + command) }
            ?? Program("/usr/bin/env", command)
        try drive { !program.process.isRunning }
        return (program.wait(), program.standardOutput, program.standardError)
    }

    /// Calls the service from another connection, and waits for the answer.
    func call(
        _ member: String,
        _ arguments: @escaping (inout BusMessage) -> Void = { _ in }
    ) throws -> Answer {
        let client = try connect()
        let answer = try Answer(client, member, arguments)
        try drive { answer.isThere }
        return answer
    }
}

/// A call that waits for its answer.
final class Answer {
    private(set) var isThere = false
    private(set) var failure: BusFailure?
    private(set) var text: String?
    private let client: BusConnection
    private var listener: BusListener?

    var errorName: String? { failure?.name }

    init(
        _ client: BusConnection,
        _ member: String,
        destination: String = BusFixture.name,
        path: String = BusFixture.path,
        interface: String = BusFixture.interface,
        _ arguments: (inout BusMessage) -> Void = { _ in }
    ) throws {
        self.client = client
        var raw: OpaquePointer?
        sd_bus_message_new_method_call(client.raw, &raw, destination, path, interface, member)
        defer { sd_bus_message_unref(raw) }
        var message = BusMessage(try #require(raw))
        arguments(&message)
        let listener = BusListener { [unowned self] in take($0) }
        self.listener = listener
        let callback = BusListener.callback
        let result = sd_bus_call_async(client.raw, &listener.slot, raw, callback, listener.userdata, 0)
        try #require(result >= 0)
    }

    private func take(_ message: BusMessage) {
        isThere = true
        if sd_bus_message_is_method_error(message.raw, nil) > 0 {
            failure = BusFailure(message.raw)
        } else {
            text = try? message.readString()
        }
    }
}

/// A signal that nobody has declared.
func send(
    _ member: String,
    _ values: [String],
    from connection: BusConnection,
    to destination: String? = nil,
    path: String,
    interface: String
) throws {
    var raw: OpaquePointer?
    sd_bus_message_new_signal(connection.raw, &raw, path, interface, member)
    defer { sd_bus_message_unref(raw) }
    var message = BusMessage(try #require(raw))
    for value in values { message.append(value) }
    try #require(sd_bus_send_to(connection.raw, raw, destination, nil) >= 0)
}

/// The name that the bus has given to a connection.
func uniqueName(of connection: BusConnection) throws -> String {
    var name: UnsafePointer<CChar>?
    try #require(sd_bus_get_unique_name(connection.raw, &name) >= 0)
    return String(cString: try #require(name))
}

extension BusNameState: Equatable {
    static func == (left: BusNameState, right: BusNameState) -> Bool { "\(left)" == "\(right)" }
}
