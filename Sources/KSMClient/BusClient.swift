import CSystemd
import Glibc
package import KSMSystemd

/// Who is called: a service, one of its objects, and an interface of that.
package struct BusTarget: Equatable, Sendable {
    package let service: String
    package let path: String
    package let interface: String

    /// The object at `path` of the program that has the name `service`.
    package init(service: String, path: String, interface: String) {
        self.service = service
        self.path = path
        self.interface = interface
    }
}

/// A program's side of the bus: calls methods, reads properties, and waits for each answer.
package final class BusClient {
    private let raw: OpaquePointer
    private let timeout: UInt64

    /// Connects, and waits until the bus has let us in, for as long as an answer may take.
    package init(_ address: BusAddress = .system, timeoutMilliseconds: UInt64) throws(BusCallError) {
        timeout = timeoutMilliseconds.multipliedReportingOverflow(by: 1000).partialValue
        do throws(SystemdError) {
            raw = try address.open()
        } catch {
            throw .noBus(error)
        }
        let result = BusClient.becomeReady(raw, within: timeout)
        guard result >= 0 else {
            throw .noBus(SystemdError(operation: "connect to " + address.description, code: 0 &- result))
        }
    }

    deinit {
        sd_bus_close(raw)
        sd_bus_unref(raw)
    }

    /// Calls a method and returns the values of its answer.
    ///
    /// A service that does not run is started for it, if it says how, unless `mayStart` is false.
    @discardableResult
    package func call(
        _ target: BusTarget,
        _ member: String,
        mayStart: Bool = true,
        _ arguments: (inout BusMessage) -> Void = { _ in }
    ) throws(BusCallError) -> [BusValue] {
        var message: OpaquePointer?
        let (service, path, interface) = (target.service, target.path, target.interface)
        var result = sd_bus_message_new_method_call(raw, &message, service, path, interface, member)
        defer { sd_bus_message_unref(message) }
        guard result >= 0, let message else { throw .unsent(result) }
        sd_bus_message_set_auto_start(message, mayStart ? 1 : 0)
        var content = BusMessage(message)
        arguments(&content)
        result = content.failure
        guard result >= 0 else { throw .unsent(result) }
        return try send(message)
    }

    /// The value of a property.
    package func property(_ target: BusTarget, _ name: String, mayStart: Bool = true) throws(BusCallError) -> BusValue {
        let values = try call(target.properties, "Get", mayStart: mayStart) { message in
            message.append(target.interface)
            message.append(name)
        }
        guard let value = values.first else { throw .unexpectedAnswer }
        return value
    }

    /// All properties of one moment, as a dictionary.
    package func properties(_ target: BusTarget, mayStart: Bool = true) throws(BusCallError) -> BusValue {
        let values = try call(target.properties, "GetAll", mayStart: mayStart) { $0.append(target.interface) }
        guard let value = values.first else { throw .unexpectedAnswer }
        return value
    }

    private func send(_ message: OpaquePointer) throws(BusCallError) -> [BusValue] {
        var error = sd_bus_error()
        var answer: OpaquePointer?
        let result = sd_bus_call(raw, message, timeout, &error, &answer)
        defer {
            sd_bus_error_free(&error)
            sd_bus_message_unref(answer)
        }
        guard result >= 0, let answer else { throw failure(of: error, result) }
        guard let values = BusMessage(answer).readValues() else { throw .unexpectedAnswer }
        return values
    }

    private func failure(of error: sd_bus_error, _ result: Int32) -> BusCallError {
        guard sd_bus_is_open(raw) > 0 else {
            return .noBus(SystemdError(operation: "call over the bus", code: 0 &- result))
        }
        guard let name = error.name else { return .unsent(result) }
        let text = error.message.map { String(cString: $0) } ?? ""
        return BusCallError(BusFailure(name: String(cString: name), message: text))
    }

    /// Waits until the bus has let us in; a negative errno if it has not.
    private static func becomeReady(_ bus: OpaquePointer, within timeout: UInt64) -> Int32 {
        let begin = now()
        while sd_bus_is_ready(bus) == 0 {
            let done = sd_bus_process(bus, nil)
            let passed = now() &- begin
            if done < 0 { return done }
            if sd_bus_is_open(bus) <= 0 { return 0 &- ECONNRESET }
            if passed >= timeout { return 0 &- ETIMEDOUT }
            let waited = done == 0 ? sd_bus_wait(bus, timeout - passed) : 0
            if waited < 0, waited != 0 &- EINTR { return waited }
        }
        return 0
    }

    /// CLOCK_MONOTONIC in microseconds.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000 &+ UInt64(time.tv_nsec) / 1000
    }
}

extension BusTarget {
    /// The interface for an object's properties.
    fileprivate var properties: BusTarget {
        BusTarget(service: service, path: path, interface: "org.freedesktop.DBus.Properties")
    }
}

extension BusCallError {
    /// A call that could not be made up or sent.
    fileprivate static func unsent(_ result: Int32) -> BusCallError {
        let cause = String(cString: strerror(0 &- result))
        return .failed(BusFailure(name: "org.freedesktop.DBus.Error.InvalidArgs", message: "cannot call: \(cause)"))
    }
}
