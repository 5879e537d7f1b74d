import CSystemd

/// Something that waits for answers or signals, until it is let go of.
final class BusListener {
    /// What sd-bus calls us through.
    var slot: OpaquePointer?
    private let handler: (BusMessage) -> Void

    init(handler: @escaping (BusMessage) -> Void) {
        self.handler = handler
    }

    deinit {
        sd_bus_slot_unref(slot)
    }

    /// Valid as long as `slot` is, because `deinit` takes it out of sd-bus.
    var userdata: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let callback: sd_bus_message_handler_t = { message, userdata, _ in
        guard let message, let userdata else { return 0 }
        let listener = Unmanaged<BusListener>.fromOpaque(userdata).takeUnretainedValue()
        withExtendedLifetime(listener) { listener.handler(BusMessage(message)) }
        return 0
    }
}

/// The question to the bus as which user a caller runs, and the caller's calls.
final class BusQuestion {
    let sender: String
    var calls: [BusCall]
    var listener: BusListener?

    init(_ call: BusCall) {
        sender = call.sender
        calls = [call]
    }

    /// Sends it; the answer or the error goes to `listener`.
    func send(_ bus: OpaquePointer, _ listener: BusListener, patience: UInt64) -> Int32 {
        let name = "org.freedesktop.DBus"
        var raw: OpaquePointer?
        let result = sd_bus_message_new_method_call(
            bus,
            &raw,
            name,
            "/org/freedesktop/DBus",
            name,
            "GetConnectionUnixUser"
        )
        guard result >= 0, let raw else { return result }
        defer { sd_bus_message_unref(raw) }
        var message = BusMessage(raw)
        message.append(sender)
        guard message.failure == 0 else { return message.failure }
        return sd_bus_call_async(bus, &listener.slot, raw, BusListener.callback, listener.userdata, patience)
    }
}
