import CSystemd
import Glibc

/// A method of an object on the bus.
package final class BusMethod {
    let name: String
    let arguments: String
    let results: String
    let isForAnyone: Bool
    let handler: (BusCall) throws(BusFailure) -> Void

    /// A method; `handler` answers the call, now or later, or throws what the caller gets as an error.
    ///
    /// What it takes and returns is told by names and types: `"reason s, pages t"`.
    /// Without `isForAnyone` only root and this program's own user can call it, whatever the bus' policy says.
    package init(
        _ name: String,
        takes arguments: String = "",
        returns results: String = "",
        isForAnyone: Bool = false,
        handler: @escaping (BusCall) throws(BusFailure) -> Void
    ) {
        self.name = name
        self.arguments = arguments
        self.results = results
        self.isForAnyone = isForAnyone
        self.handler = handler
    }
}

/// A property of an object on the bus, which anyone can read and nobody can write.
package final class BusProperty {
    /// What is told when the value changes.
    package enum Change: Sendable {
        /// The new value.
        case emitted
        /// That it has changed.
        case invalidated
        /// Nothing, since it never does.
        case constant
        /// Nothing, though it does: who wants it asks.
        case silent
    }

    let name: String
    let signature: String
    let change: Change
    let getter: (inout BusMessage) -> Void

    /// A property whose value `getter` appends to the message, with exactly the given signature.
    package init(
        _ name: String,
        _ signature: String,
        _ change: Change,
        getter: @escaping (inout BusMessage) -> Void
    ) {
        self.name = name
        self.signature = signature
        self.change = change
        self.getter = getter
    }
}

/// A signal that an object on the bus sends.
package final class BusSignal {
    let name: String
    let arguments: String

    /// A signal that carries the given values: `"guest s, pages t"`.
    package init(_ name: String, _ arguments: String = "") {
        self.name = name
        self.arguments = arguments
    }
}

/// What programs on the bus see under one path and interface.
///
/// It outlives its connections: when the bus comes back, the same object is added to a new one.
package final class BusObject {
    let path: String
    let interface: String
    let methods: [BusMethod]
    let properties: [BusProperty]
    let table: BusTable

    /// An object; whether names and signatures are valid shows when it is added to a connection.
    package init(
        path: String,
        interface: String,
        methods: [BusMethod],
        properties: [BusProperty],
        signals: [BusSignal] = []
    ) {
        self.path = path
        self.interface = interface
        self.methods = methods
        self.properties = properties
        table = BusTable(methods: methods, properties: properties, signals: signals)
    }
}

/// An object at one connection.
final class BusRegistration {
    let object: BusObject
    private weak var connection: BusConnection?

    init(_ object: BusObject, connection: BusConnection) {
        self.object = object
        self.connection = connection
    }

    /// Hands a message to the method that it names.
    func take(_ raw: OpaquePointer) -> Int32 {
        guard let member = sd_bus_message_get_member(raw), let connection else { return 0 }
        for method in object.methods where strcmp(method.name, member) == 0 {
            connection.take(BusCall(raw, object: object, method: method))
            return 1
        }
        return 0
    }

    /// Appends the value of a property; a negative errno if that fails.
    func append(_ name: UnsafePointer<CChar>, to raw: OpaquePointer) -> Int32 {
        for property in object.properties where strcmp(property.name, name) == 0 {
            var message = BusMessage(raw)
            property.getter(&message)
            return message.failure
        }
        return 0 &- ENOENT
    }
}
