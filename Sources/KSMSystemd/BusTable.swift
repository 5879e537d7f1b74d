import CSystemd
import Glibc

/// What sd-bus has to know of an object: an array that ends with an end row.
///
/// sd-bus keeps pointers into it for as long as the object is at a connection. sd_bus_add_object_vtable(3).
final class BusTable {
    let rows: UnsafeMutablePointer<sd_bus_vtable>
    private var used = 0
    private var texts: [UnsafeMutablePointer<CChar>] = []

    init(methods: [BusMethod], properties: [BusProperty], signals: [BusSignal]) {
        let count = methods.count + properties.count + signals.count + 2
        rows = UnsafeMutablePointer<sd_bus_vtable>.allocate(capacity: count)
        // sd-bus demands that bytes which a kind of row does not use are 0.
        memset(rows, 0, count * MemoryLayout<sd_bus_vtable>.stride)
        begin()
        for method in methods { add(method) }
        for property in properties { add(property) }
        for signal in signals { add(signal) }
        next(_SD_BUS_VTABLE_END)
    }

    deinit {
        for text in texts { free(text) }
        rows.deallocate()
    }

    /// Takes the next row.
    @discardableResult
    private func next(_ kind: Int) -> UnsafeMutablePointer<sd_bus_vtable> {
        let row = rows + used
        row.pointee.type = UInt8(truncatingIfNeeded: kind)
        used += 1
        return row
    }

    private func begin() {
        let row = next(_SD_BUS_VTABLE_START)
        row.pointee.x.start.element_size = MemoryLayout<sd_bus_vtable>.stride
        row.pointee.x.start.features = UInt64(_SD_BUS_VTABLE_PARAM_NAMES)
        row.pointee.x.start.vtable_format_reference = ksmd_bus_vtable_format()
    }

    /// Who may call is for `BusConnection` to decide: sd-bus would ask the bus who the caller is, and wait for it.
    private func add(_ method: BusMethod) {
        let row = next(_SD_BUS_VTABLE_METHOD)
        row.pointee.flags = UInt64(SD_BUS_VTABLE_UNPRIVILEGED)
        row.pointee.x.method.member = keep(method.name)
        row.pointee.x.method.signature = keep(words(of: method.arguments, from: 1))
        row.pointee.x.method.result = keep(words(of: method.results, from: 1))
        row.pointee.x.method.names = keep(
            words(of: method.arguments, from: 0, end: "\0") + words(of: method.results, from: 0, end: "\0")
        )
        row.pointee.x.method.handler = { message, userdata, _ in
            guard let message, let userdata else { return 0 }
            return Unmanaged<BusRegistration>.fromOpaque(userdata).takeUnretainedValue().take(message)
        }
    }

    private func add(_ property: BusProperty) {
        let row = next(_SD_BUS_VTABLE_PROPERTY)
        row.pointee.flags = BusTable.flags(property.change)
        row.pointee.x.property.member = keep(property.name)
        row.pointee.x.property.signature = keep(property.signature)
        row.pointee.x.property.get = { _, _, _, name, message, userdata, _ in
            guard let name, let message, let userdata else { return 0 &- EINVAL }
            return Unmanaged<BusRegistration>.fromOpaque(userdata).takeUnretainedValue().append(name, to: message)
        }
    }

    private func add(_ signal: BusSignal) {
        let row = next(_SD_BUS_VTABLE_SIGNAL)
        row.pointee.x.signal.member = keep(signal.name)
        row.pointee.x.signal.signature = keep(words(of: signal.arguments, from: 1))
        row.pointee.x.signal.names = keep(words(of: signal.arguments, from: 0, end: "\0"))
    }

    private static func flags(_ change: BusProperty.Change) -> UInt64 {
        switch change {
        case .emitted: UInt64(SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
        case .invalidated: UInt64(SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION)
        case .constant: UInt64(SD_BUS_VTABLE_PROPERTY_CONST)
        case .silent: 0
        }
    }

    /// Every other word of `text`, names from 0 and types from 1, each with `end` behind it.
    private func words(of text: String, from first: Int, end: String = "") -> String {
        var chosen = ""
        var number = 0
        var isInside = false
        for character in text.unicodeScalars {
            if character != " " && character != "," {
                isInside = true
                if number % 2 == first { chosen.unicodeScalars.append(character) }
            } else if isInside {
                isInside = false
                if number % 2 == first { chosen += end }
                number += 1
            }
        }
        return isInside && number % 2 == first ? chosen + end : chosen
    }

    /// A text with its NUL, and one more, at an address that stays.
    private func keep(_ text: String) -> UnsafePointer<CChar>? {
        let count = text.utf8.count
        guard let memory = calloc(count + 2, 1)?.assumingMemoryBound(to: CChar.self) else { return nil }
        text.withCString { _ = memcpy(memory, $0, count) }
        texts.append(memory)
        return UnsafePointer(memory)
    }
}
