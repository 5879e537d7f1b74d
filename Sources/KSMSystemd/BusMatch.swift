import CSystemd

/// Signals of a service that somebody waits for.
///
/// The service need not run, and is not started. Only what the service sends to everybody counts; what a program sends
/// to us alone could come from anyone.
package final class BusMatch {
    /// Whether the bus has promised to tell us.
    package fileprivate(set) var isActive = false

    /// The name of the service.
    let sender: String
    let path: String
    let interface: String
    private let handler: (String, BusMessage) -> Void

    /// All signals of an interface; `handler` gets the signal's name, and its values to read.
    package init(
        sender: String,
        path: String,
        interface: String,
        handler: @escaping (_ member: String, _ values: BusMessage) -> Void
    ) {
        self.sender = sender
        self.path = path
        self.interface = interface
        self.handler = handler
    }

    /// The virtual machines that systemd-machined knows: `handler` gets `MachineNew` or `MachineRemoved`, and the name.
    ///
    /// org.freedesktop.machine1(5).
    package static func machines(handler: @escaping (_ member: String, _ machine: String) -> Void) -> BusMatch {
        BusMatch(
            sender: "org.freedesktop.machine1",
            path: "/org/freedesktop/machine1",
            interface: "org.freedesktop.machine1.Manager"
        ) { member, values in
            guard member == "MachineNew" || member == "MachineRemoved" else { return }
            if let machine = try? values.readString() { handler(member, machine) }
        }
    }

    /// Takes a message: the bus' promise, or a signal.
    fileprivate func take(_ message: BusMessage) {
        guard let member = sd_bus_message_get_member(message.raw) else {
            isActive = sd_bus_message_is_method_error(message.raw, nil) == 0
            return
        }
        if sd_bus_message_get_destination(message.raw) == nil { handler(String(cString: member), message) }
    }
}

extension BusConnection {
    /// Waits for signals from now on, until the connection is closed.
    package func add(_ match: BusMatch) throws(SystemdError) {
        match.isActive = false
        try listen(BusListener(handler: match.take), "watch \(match.sender)") { slot, callback, userdata in
            sd_bus_match_signal_async(
                raw,
                &slot,
                match.sender,
                match.path,
                match.interface,
                nil,
                callback,
                callback,
                userdata
            )
        }
    }
}

extension BusNameState {
    /// From the answer to `RequestName`; the numbers are from the D-Bus specification.
    init(answer: BusMessage) {
        guard sd_bus_message_is_method_error(answer.raw, nil) <= 0 else {
            self = .refused(BusFailure(answer.raw))
            return
        }
        let code = try? answer.readUInt32()
        self = code == 1 || code == 4 ? .owned : .taken
    }
}

extension BusFailure {
    /// From a message that is an error.
    init(_ message: OpaquePointer) {
        let error = sd_bus_message_get_error(message)
        name = error?.pointee.name.map { String(cString: $0) } ?? ""
        self.message = error?.pointee.message.map { String(cString: $0) } ?? ""
    }
}
