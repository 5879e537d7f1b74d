import CSystemd
import Glibc

/// A message of the bus, being written or being read, value by value.
///
/// A value's type on the bus follows from its type here: `s` String, `t` UInt64, `x` Int64, `u` UInt32, `b` Bool, `d`
/// Double. What cannot be written is remembered in `failure`, and the message is not sent.
package struct BusMessage {
    /// The message; who made this value keeps it alive.
    package let raw: OpaquePointer
    /// The first call that failed, as a negative errno; 0 if none did.
    package private(set) var failure: Int32 = 0

    /// Writes to, or reads from, `raw`.
    package init(_ raw: OpaquePointer) {
        self.raw = raw
    }

    fileprivate mutating func note(_ result: Int32) {
        if result < 0, failure == 0 { failure = result }
    }

    fileprivate mutating func append(_ type: BusType, _ value: UnsafeRawPointer) {
        note(sd_bus_message_append_basic(raw, type.character, value))
    }

    fileprivate mutating func container(_ type: BusType, _ contents: String, _ body: (inout BusMessage) -> Void) {
        note(sd_bus_message_open_container(raw, type.character, contents))
        guard failure == 0 else { return }
        body(&self)
        note(sd_bus_message_close_container(raw))
    }
}

/// The characters of D-Bus signatures that ksmd uses.
private enum BusType: UInt8 {
    case string = 0x73  // s
    case unsigned64 = 0x74  // t
    case signed64 = 0x78  // x
    case unsigned32 = 0x75  // u
    case boolean = 0x62  // b
    case double = 0x64  // d
    case array = 0x61  // a
    case structure = 0x72  // r
    case variant = 0x76  // v
    case entry = 0x65  // e

    var character: CChar { CChar(rawValue) }
}

// MARK: - Writing

extension BusMessage {
    /// Appends a text (`s`), up to its first NUL.
    package mutating func append(_ value: String) { value.withCString { append(.string, $0) } }

    /// Appends a number (`t`).
    package mutating func append(_ value: UInt64) { withUnsafePointer(to: value) { append(.unsigned64, $0) } }

    /// Appends a number that can be negative (`x`).
    package mutating func append(_ value: Int64) { withUnsafePointer(to: value) { append(.signed64, $0) } }

    /// Appends a small number (`u`).
    package mutating func append(_ value: UInt32) { withUnsafePointer(to: value) { append(.unsigned32, $0) } }

    /// Appends a number with a fraction (`d`).
    package mutating func append(_ value: Double) { withUnsafePointer(to: value) { append(.double, $0) } }

    /// Appends a truth value (`b`), which is a C int to sd-bus.
    package mutating func append(_ value: Bool) {
        let number: Int32 = value ? 1 : 0
        withUnsafePointer(to: number) { append(.boolean, $0) }
    }

    /// Appends texts (`as`).
    package mutating func append(_ values: [String]) {
        array(of: "s") { message in
            for value in values { message.append(value) }
        }
    }

    /// Appends an array of elements of the signature `element`, each of which `body` appends.
    package mutating func array(of element: String, _ body: (inout BusMessage) -> Void) {
        container(.array, element, body)
    }

    /// Appends a structure of values of the signature `members` (without parentheses), which `body` appends.
    package mutating func structure(_ members: String, _ body: (inout BusMessage) -> Void) {
        container(.structure, members, body)
    }

    /// Appends an entry of a dictionary `a{sv}`: a key, and a value of the signature `type`, which `body` appends.
    package mutating func entry(_ key: String, _ type: String, _ body: (inout BusMessage) -> Void) {
        container(.entry, "sv") { message in
            message.append(key)
            message.container(.variant, type, body)
        }
    }
}

// MARK: - Reading

extension BusMessage {
    /// The next value, a text (`s`).
    package func readString() throws(BusFailure) -> String {
        var text: UnsafePointer<CChar>?
        try read(.string, &text)
        return text.map { String(cString: $0) } ?? ""
    }

    /// The next value, a number (`t`).
    package func readUInt64() throws(BusFailure) -> UInt64 {
        var value: UInt64 = 0
        try read(.unsigned64, &value)
        return value
    }

    /// The next value, a small number (`u`).
    package func readUInt32() throws(BusFailure) -> UInt32 {
        var value: UInt32 = 0
        try read(.unsigned32, &value)
        return value
    }

    /// The next value, a truth value (`b`).
    package func readBool() throws(BusFailure) -> Bool {
        var value: Int32 = 0
        try read(.boolean, &value)
        return value != 0
    }

    private func read(_ type: BusType, _ value: UnsafeMutableRawPointer) throws(BusFailure) {
        guard sd_bus_message_read_basic(raw, type.character, value) > 0 else {
            throw .invalidArguments("the message holds no \(Character(Unicode.Scalar(type.rawValue))) here")
        }
    }
}
