import CSystemd
import Glibc

/// Where a message bus listens.
package enum BusAddress: Sendable {
    /// The system's bus, or the one that `DBUS_SYSTEM_BUS_ADDRESS` names.
    case system
    /// An address in the notation of the D-Bus specification, such as `unix:path=/run/dbus/system_bus_socket`.
    case address(String)

    /// Connects without waiting for the bus to answer, and returns the connection, which is the caller's.
    ///
    /// Throws ENOENT or ECONNREFUSED if there is no bus.
    package func open() throws(SystemdError) -> OpaquePointer {
        var bus: OpaquePointer?
        let result = open(&bus)
        guard result >= 0, let bus else {
            sd_bus_unref(bus)
            throw SystemdError(operation: "connect to " + description, code: result < 0 ? 0 &- result : ENOMEM)
        }
        return bus
    }

    private func open(_ bus: inout OpaquePointer?) -> Int32 {
        guard case .address(let address) = self else { return sd_bus_open_system(&bus) }
        var result = sd_bus_new(&bus)
        if result >= 0 { result = sd_bus_set_address(bus, address) }
        if result >= 0 { result = sd_bus_set_bus_client(bus, 1) }
        return result < 0 ? result : sd_bus_start(bus)
    }
}

extension BusAddress {
    /// The object of an error's sentence.
    package var description: String {
        switch self {
        case .system: "the system bus"
        case .address(let address): "the bus at \(address)"
        }
    }
}
