/// What KVM tells about one virtual machine, in a message of the kernel's (a uevent).
///
/// The message is sent when a machine is made (KVM_CREATE_VM) and when the last descriptor of it is closed.
package struct KVMEvent: Equatable, Sendable {
    /// What has become of the machine.
    package enum Kind: Equatable, Sendable {
        case created
        case destroyed
    }

    package var kind: Kind
    /// The thread that made the machine, as seen from the first pid namespace.
    ///
    /// A thread's id, not the process': QEMU may make its machine in any of its threads.
    package var thread: Int32?
    /// Machines made since boot.
    package var created: UInt64?
    /// Machines that there are now.
    package var count: UInt64?

    package init(kind: Kind, thread: Int32? = nil, created: UInt64? = nil, count: UInt64? = nil) {
        self.kind = kind
        self.thread = thread
        self.created = created
        self.count = count
    }
}

/// Messages that the kernel sends about its devices.
package enum UeventText {
    /// Parses one message; `nil` for everything that is not KVM's about a machine.
    ///
    /// Source: kobject_uevent_env of lib/kobject_uevent.c (`ACTION@DEVPATH`, then `KEY=VALUE`, each with a NUL behind
    /// it) and kvm_uevent_notify_change of virt/kvm/kvm_main.c. Of a key that is there twice the last counts.
    package static func parse(_ message: Span<UInt8>) -> KVMEvent? {
        var variables = Variables()
        var next = message.string(endingWithNulFrom: 0).upperBound + 1
        while next < message.count {
            let variable = message.string(endingWithNulFrom: next)
            variables.take(message, variable)
            next = variable.upperBound + 1
        }
        return variables.event(message)
    }

    /// Where in the message the values are that are used.
    private struct Variables {
        private var action: ByteRange = 0..<0
        private var subsystem: ByteRange = 0..<0
        private var device: ByteRange = 0..<0
        private var event: ByteRange = 0..<0
        private var thread: ByteRange = 0..<0
        private var created: ByteRange = 0..<0
        private var count: ByteRange = 0..<0

        mutating func take(_ message: Span<UInt8>, _ variable: ByteRange) {
            var end = variable.lowerBound
            while end < variable.upperBound, message[end] != UInt8(ascii: "=") { end += 1 }
            guard end < variable.upperBound else { return }
            let key = variable.lowerBound..<end
            let value = end + 1..<variable.upperBound
            if message.equals("ACTION", in: key) {
                action = value
            } else if message.equals("SUBSYSTEM", in: key) {
                subsystem = value
            } else if message.equals("DEVNAME", in: key) {
                device = value
            } else if message.equals("EVENT", in: key) {
                event = value
            } else if message.equals("PID", in: key) {
                thread = value
            } else if message.equals("CREATED", in: key) {
                created = value
            } else if message.equals("COUNT", in: key) {
                count = value
            }
        }

        func event(_ message: Span<UInt8>) -> KVMEvent? {
            guard message.equals("change", in: action), message.equals("misc", in: subsystem),
                message.equals("kvm", in: device), let kind = kind(message)
            else { return nil }
            return KVMEvent(
                kind: kind,
                thread: message.unsigned(thread).flatMap { Int32(exactly: $0) },
                created: message.unsigned(created),
                count: message.unsigned(count)
            )
        }

        private func kind(_ message: Span<UInt8>) -> KVMEvent.Kind? {
            if message.equals("create", in: event) { return .created }
            return message.equals("destroy", in: event) ? .destroyed : nil
        }
    }
}

extension Span<UInt8> {
    /// From `start` to before the next NUL or the end.
    fileprivate func string(endingWithNulFrom start: Int) -> ByteRange {
        var end = start
        while end < count, self[end] != 0 { end += 1 }
        return start..<end
    }
}
