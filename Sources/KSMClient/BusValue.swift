import CSystemd
import Glibc
package import KSMSystemd

/// A value that came over the bus.
package indirect enum BusValue: Equatable, Sendable {
    case text(String)
    case unsigned(UInt64)
    case signed(Int64)
    case boolean(Bool)
    case double(Double)
    /// An array that is no dictionary.
    case array([BusValue])
    /// Values of several types, in their order.
    case structure([BusValue])
    /// A dictionary, in the order in which it came.
    case dictionary([Entry])

    /// One entry of a dictionary.
    package struct Entry: Equatable, Sendable {
        package let key: BusValue
        package let value: BusValue
    }
}

// MARK: - Looking

extension BusValue {
    /// The text, object path or signature.
    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// The number, if it is not negative.
    package var unsigned: UInt64? {
        switch self {
        case .unsigned(let number): number
        case .signed(let number): UInt64(exactly: number)
        default: nil
        }
    }

    /// The number, if it fits.
    package var signed: Int64? {
        switch self {
        case .unsigned(let number): Int64(exactly: number)
        case .signed(let number): number
        default: nil
        }
    }

    /// The number with a fraction.
    package var double: Double? {
        guard case .double(let number) = self else { return nil }
        return number
    }

    /// The truth value.
    package var boolean: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }

    /// The elements of an array or a structure.
    package var elements: [BusValue]? {
        switch self {
        case .array(let values), .structure(let values): values
        default: nil
        }
    }

    /// The value that a dictionary has for a text.
    package subscript(key: String) -> BusValue? {
        guard case .dictionary(let entries) = self else { return nil }
        return entries.first { $0.key == .text(key) }?.value
    }
}

// MARK: - Reading

extension BusMessage {
    /// The values from here to the end of the message or of the container that was entered.
    ///
    /// `nil` if one is of a type that cannot travel as a value, such as a file descriptor.
    package func readValues() -> [BusValue]? {
        var values: [BusValue] = []
        while sd_bus_message_at_end(raw, 0) == 0 {
            guard let value = readValue() else { return nil }
            values.append(value)
        }
        return values
    }

    /// The next value; a variant is the value inside.
    private func readValue() -> BusValue? {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        guard sd_bus_message_peek_type(raw, &type, &contents) > 0 else { return nil }
        guard let contents else { return readBasic(type) }
        let isDictionary = type == BusMessage.array && contents.pointee == BusMessage.brace
        guard sd_bus_message_enter_container(raw, type, contents) > 0 else { return nil }
        guard let values = readValues(), sd_bus_message_exit_container(raw) >= 0 else { return nil }
        if isDictionary { return .dictionary(values.compactMap(\.asEntry)) }
        switch type {
        case BusMessage.variant: return values.first
        case BusMessage.array: return .array(values)
        default: return .structure(values)
        }
    }

    private static let array = CChar(UInt8(ascii: "a"))
    private static let brace = CChar(UInt8(ascii: "{"))
    private static let variant = CChar(UInt8(ascii: "v"))

    private func readBasic(_ type: CChar) -> BusValue? {
        switch UInt8(bitPattern: type) {
        case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "g"):
            read(type, UnsafePointer<CChar>?.none) { .text($0.map { String(cString: $0) } ?? "") }
        case UInt8(ascii: "y"): read(type, UInt8(0)) { .unsigned(UInt64($0)) }
        case UInt8(ascii: "q"): read(type, UInt16(0)) { .unsigned(UInt64($0)) }
        case UInt8(ascii: "u"): read(type, UInt32(0)) { .unsigned(UInt64($0)) }
        case UInt8(ascii: "t"): read(type, UInt64(0)) { .unsigned($0) }
        case UInt8(ascii: "n"): read(type, Int16(0)) { .signed(Int64($0)) }
        case UInt8(ascii: "i"): read(type, Int32(0)) { .signed(Int64($0)) }
        case UInt8(ascii: "x"): read(type, Int64(0)) { .signed($0) }
        case UInt8(ascii: "b"): read(type, Int32(0)) { .boolean($0 != 0) }
        case UInt8(ascii: "d"): read(type, 0.0) { .double($0) }
        default: nil
        }
    }

    private func read<Raw>(_ type: CChar, _ empty: Raw, _ make: (Raw) -> BusValue) -> BusValue? {
        var value = empty
        let result = withUnsafeMutablePointer(to: &value) { sd_bus_message_read_basic(raw, type, $0) }
        return result > 0 ? make(value) : nil
    }
}

extension BusValue {
    /// The two values of an entry, which are read as those of a structure.
    fileprivate var asEntry: Entry? {
        guard case .structure(let pair) = self, pair.count == 2 else { return nil }
        return Entry(key: pair[0], value: pair[1])
    }
}
