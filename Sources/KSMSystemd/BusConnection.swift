import CSystemd
import Glibc

/// What became of a name that was asked for.
package enum BusNameState: Sendable {
    /// It is ours.
    case owned
    /// Another program has it.
    case taken
    /// It was ours, and is not any more.
    case lost
    /// The bus does not give it to us.
    case refused(BusFailure)
}

/// A connection to a message bus that an `EventLoop` serves.
///
/// No call here waits for the bus. When the bus goes, the loop goes on: `onDisconnect` is called, and a new connection
/// has to be made. sd-bus(3).
package final class BusConnection {
    /// Called once, when the bus has gone or has not let us in; not after `close()`.
    package var onDisconnect: (() -> Void)?
    /// Whether neither the bus has gone nor `close()` was called.
    package private(set) var isOpen = true

    let raw: OpaquePointer
    private var slots: [OpaquePointer] = []
    private var listeners: [BusListener] = []
    /// Calls whose callers' users the bus has not told yet.
    private var waiting: [BusQuestion] = []
    /// The caller that was asked about last; names such as `:1.42` are never given twice.
    private var known: (sender: String, user: UInt32)?

    /// How many calls may wait for the bus to tell their callers' users; more are refused.
    ///
    /// Twice a storm of 1,000 calls. A waiting call holds less than 1 KiB.
    static let mostWaiting = 2048

    /// How many messages may wait for a bus that does not read; then signals are left out.
    static let mostUnsent: UInt64 = 256

    /// How long the bus may take to say who a caller is, in microseconds.
    ///
    /// It says so in less than a millisecond; callers themselves give up after 25 s.
    private static let patience: UInt64 = 5_000_000

    /// Connects; whether the bus lets us in shows later.
    ///
    /// Throws ENOENT or ECONNREFUSED if there is no bus.
    package init(_ address: BusAddress, loop: EventLoop) throws(SystemdError) {
        raw = try address.open()
        // Otherwise sd-bus waits for the bus to take what is unsent when the loop ends.
        sd_bus_set_close_on_exit(raw, 0)
        try listenForEnd()
        // Not before timers: whoever floods us must not keep the loop from its ticks.
        try SystemdError.check("watch the bus", sd_bus_attach_event(raw, loop.raw, Int32(SD_EVENT_PRIORITY_NORMAL)))
    }

    deinit {
        close()
        sd_bus_unref(raw)
    }

    /// Leaves the bus; whatever nobody has answered yet is not answered any more.
    package func close() {
        isOpen = false
        onDisconnect = nil
        listeners.removeAll()
        waiting.removeAll()
        for slot in slots { sd_bus_slot_unref(slot) }
        slots.removeAll()
        sd_bus_close(raw)
    }

    private func listenForEnd() throws(SystemdError) {
        let local = "org.freedesktop.DBus.Local"
        let listener = BusListener { [unowned self] _ in
            // The sender of a forged one leaves the connection open.
            guard sd_bus_is_open(raw) <= 0, isOpen else { return }
            isOpen = false
            onDisconnect?()
        }
        let path = "/org/freedesktop/DBus/Local"
        try listen(listener, "watch for the end of the bus") { slot, callback, userdata in
            sd_bus_match_signal(raw, &slot, nil, path, local, "Disconnected", callback, userdata)
        }
    }

    /// Starts a request whose answers or signals go to `listener`, and keeps it.
    func listen(
        _ listener: BusListener,
        _ operation: String,
        _ start: (inout OpaquePointer?, sd_bus_message_handler_t?, UnsafeMutableRawPointer) -> Int32
    ) throws(SystemdError) {
        try SystemdError.check(operation, start(&listener.slot, BusListener.callback, listener.userdata))
        listeners.append(listener)
    }
}

// MARK: - Being a service

extension BusConnection {
    /// Shows an object to the programs on the bus.
    ///
    /// Throws EINVAL if a name or signature is not valid, and EEXIST if there is such an object already.
    package func add(_ object: BusObject) throws(SystemdError) {
        // Owned by sd-bus: the table must stay until sd-bus has let go of it, which is later if a handler closes.
        let userdata = Unmanaged.passRetained(BusRegistration(object, connection: self))
        var slot: OpaquePointer?
        let result = sd_bus_add_object_vtable(
            raw,
            &slot,
            object.path,
            object.interface,
            object.table.rows,
            userdata.toOpaque()
        )
        guard result >= 0, let slot else {
            userdata.release()
            throw SystemdError(operation: "show \(object.path) on the bus", code: 0 &- result)
        }
        sd_bus_slot_set_destroy_callback(slot) { userdata in
            if let userdata { Unmanaged<BusRegistration>.fromOpaque(userdata).release() }
        }
        slots.append(slot)
    }

    /// Asks the bus for a name, and tells `handler` whether it was given, and later if it was lost.
    ///
    /// A name that another program has is not waited for.
    package func requestName(_ name: String, handler: @escaping (BusNameState) -> Void) throws(SystemdError) {
        let answer = BusListener { handler(BusNameState(answer: $0)) }
        try listen(answer, "ask for the name \(name)") { slot, callback, userdata in
            sd_bus_request_name_async(raw, &slot, name, 0, callback, userdata)
        }
        let bus = "org.freedesktop.DBus"
        let loss = BusListener { message in
            // sd-bus leaves it to the bus to check a sender's name, and the bus lets anyone send us a signal.
            guard let sender = sd_bus_message_get_sender(message.raw), strcmp(sender, bus) == 0,
                sd_bus_message_is_signal(message.raw, bus, "NameLost") > 0
            else { return }
            if (try? message.readString()) == name { handler(.lost) }
        }
        try listen(loss, "watch for the loss of a name") { slot, callback, userdata in
            let path = "/org/freedesktop/DBus"
            return sd_bus_match_signal_async(
                raw,
                &slot,
                bus,
                path,
                bus,
                "NameLost",
                callback,
                callback,
                userdata
            )
        }
    }

    /// Tells the programs on the bus that properties have changed, in one signal with their values as they are now.
    ///
    /// Throws ENOENT for a name that is not one of the object's properties, EDOM for a constant one, and ENOBUFS while
    /// the bus does not take what was sent before.
    package func emitPropertiesChanged(_ object: BusObject, _ names: [String]) throws(SystemdError) {
        try checkUnsent()
        var pointers: [UnsafeMutablePointer<CChar>?] = names.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        let result = sd_bus_emit_properties_changed_strv(raw, object.path, object.interface, &pointers)
        try SystemdError.check("announce properties on the bus", result)
    }

    /// Sends one of an object's signals, with the values that `body` appends.
    package func emit(
        _ object: BusObject,
        signal: String,
        _ body: (inout BusMessage) -> Void = { _ in }
    ) throws(SystemdError) {
        try checkUnsent()
        var message: OpaquePointer?
        var result = sd_bus_message_new_signal(raw, &message, object.path, object.interface, signal)
        defer { sd_bus_message_unref(message) }
        if result >= 0, let message {
            var content = BusMessage(message)
            body(&content)
            result = content.failure < 0 ? content.failure : sd_bus_send(raw, message, nil)
        }
        try SystemdError.check("send the signal \(signal)", result)
    }

    private func checkUnsent() throws(SystemdError) {
        var unsent: UInt64 = 0
        sd_bus_get_n_queued_write(raw, &unsent)
        guard unsent < BusConnection.mostUnsent else {
            throw SystemdError(operation: "send to the bus", code: ENOBUFS)
        }
    }
}

// MARK: - Calls and their callers

extension BusConnection {
    /// Runs a call, as soon as it is known who the caller is if that matters.
    func take(_ call: BusCall) {
        guard call.needsPrivilege else { return call.run() }
        if let known, known.sender == call.sender { return call.run(for: known.user) }
        guard waiting.reduce(0, { $0 + $1.calls.count }) < BusConnection.mostWaiting else {
            return call.fail(.standard("LimitsExceeded", "too many calls at a time"))
        }
        if let asked = waiting.first(where: { $0.sender == call.sender }) {
            asked.calls.append(call)
        } else {
            ask(BusQuestion(call))
        }
    }

    /// Asks the bus for a caller's user.
    private func ask(_ question: BusQuestion) {
        let listener = BusListener { [unowned self, unowned question] message in answer(question, message) }
        question.listener = listener
        waiting.append(question)
        let result = question.send(raw, listener, patience: BusConnection.patience)
        if result < 0 { refuse(question) }
    }

    private func answer(_ question: BusQuestion, _ message: BusMessage) {
        guard let user = try? message.readUInt32() else { return refuse(question) }
        waiting.removeAll { $0 === question }
        known = (question.sender, user)
        for call in question.calls { call.run(for: user) }
    }

    private func refuse(_ question: BusQuestion) {
        waiting.removeAll { $0 === question }
        for call in question.calls { call.fail(.accessDenied("the bus does not say who calls")) }
    }
}
