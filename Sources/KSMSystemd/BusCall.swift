import CSystemd
import Glibc

/// A method call that somebody waits to be answered.
///
/// It can be kept and answered later. One that is let go of unanswered is answered with an error, so no caller waits
/// for its timeout. Once the bus has gone an answer goes nowhere.
package final class BusCall {
    /// The arguments.
    package let message: BusMessage
    /// The caller's name on the bus, such as `:1.42`, which the bus gives to nobody else.
    package let sender: String
    /// The caller's user, as the bus knows it; `nil` for methods that anyone may call.
    package private(set) var senderUser: UInt32?
    /// Whether an answer was given.
    package private(set) var isAnswered = false

    /// Kept because the answer's signature is checked against the object's table.
    private let object: BusObject
    private let method: BusMethod

    init(_ raw: OpaquePointer, object: BusObject, method: BusMethod) {
        sd_bus_message_ref(raw)
        message = BusMessage(raw)
        sender = sd_bus_message_get_sender(raw).map { String(cString: $0) } ?? ""
        self.object = object
        self.method = method
    }

    deinit {
        fail(.failed("ksmd has dropped the request"))
        sd_bus_message_unref(message.raw)
    }

    /// Whether the caller is root or the user that this program runs as.
    package var senderIsPrivileged: Bool { senderUser == 0 || senderUser == geteuid() }

    /// Whether it has to be known who the caller is.
    var needsPrivilege: Bool { !method.isForAnyone }

    /// Answers with the values that `body` appends; only the first answer counts.
    ///
    /// Values that are not of the method's result signature make an error of it.
    package func reply(_ body: (inout BusMessage) -> Void = { _ in }) {
        guard !isAnswered else { return }
        let result = send(body)
        if result < 0 { fail(.failed("the answer could not be made (errno \(0 &- result))")) }
        isAnswered = true
    }

    /// Answers with an error; only the first answer counts.
    package func fail(_ failure: BusFailure) {
        guard !isAnswered else { return }
        isAnswered = true
        failure.name.withCString { name in
            failure.message.withCString { text in
                var error = sd_bus_error(name: name, message: text, _need_free: 0)
                _ = sd_bus_reply_method_error(message.raw, &error)
            }
        }
    }

    private func send(_ body: (inout BusMessage) -> Void) -> Int32 {
        var raw: OpaquePointer?
        let result = sd_bus_message_new_method_return(message.raw, &raw)
        guard result >= 0, let raw else { return result }
        defer { sd_bus_message_unref(raw) }
        var answer = BusMessage(raw)
        body(&answer)
        return answer.failure < 0 ? answer.failure : sd_bus_message_send(raw)
    }

    /// Calls the method, if the caller's user may.
    func run(for user: UInt32) {
        senderUser = user
        run()
    }

    /// Calls the method, if the caller may.
    func run() {
        guard !needsPrivilege || senderIsPrivileged else {
            return fail(.accessDenied("only root may call \(method.name)"))
        }
        do throws(BusFailure) {
            try method.handler(self)
        } catch {
            fail(error)
        }
    }
}
