import KSMText

/// What the kernel sends when something happens.
enum EventChecks {
    static func uevent(_ input: [UInt8]) throws(Violation) {
        var values: [String: ArraySlice<UInt8>] = [:]
        for string in input.split(separator: 0, omittingEmptySubsequences: false).dropFirst() {
            guard let sign = string.firstIndex(of: UInt8(ascii: "=")) else { continue }
            // The bytes of the key as they are, not as text: what is no UTF-8 would all look the same.
            values["\(Array(string[..<sign]))"] = string[(sign + 1)...]
        }
        func value(_ key: String) -> ArraySlice<UInt8>? { values["\(Array(key.utf8))"] }
        func has(_ key: String, _ wanted: String) -> Bool { value(key)?.elementsEqual(wanted.utf8) == true }

        var wanted: KVMEvent?
        if has("ACTION", "change"), has("SUBSYSTEM", "misc"), has("DEVNAME", "kvm") {
            if has("EVENT", "create") { wanted = KVMEvent(kind: .created) }
            if has("EVENT", "destroy") { wanted = KVMEvent(kind: .destroyed) }
        }
        wanted?.thread = Plain.unsigned(value("PID")).flatMap { Int32(exactly: $0) }
        wanted?.created = Plain.unsigned(value("CREATED"))
        wanted?.count = Plain.unsigned(value("COUNT"))
        try same(UeventText.parse(input.span), wanted, "a message of the kernel")
    }

    /// The events printed and put together again are the beginning of the input, but for what pads the names.
    static func inotify(_ input: [UInt8]) throws(Violation) {
        var position = 0
        var before = 0
        while let event = InotifyText.next(input.span, from: &position) {
            try ensure(position >= before + 16 && position <= input.count, "at \(position) after \(before)")
            let head = input[before..<before + 16].withUnsafeBytes { bytes in
                (0..<4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
            }
            try same(UInt32(bitPattern: event.watch), head[0], "a watch")
            try same(event.mask.rawValue, head[1], "a mask")
            try same(position - before - 16, Int(head[3]), "a length")
            let name = input[before + 16..<position].prefix { $0 != 0 }
            try same(event.name, String(decoding: name, as: UTF8.self), "a name")
            before = position
        }
        try same(position, before, "a position after the end")
        guard input.count - position >= 16 else { return }
        let length = input[(position + 12)...].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        try ensure(Int(length) > input.count - position - 16, "a whole event is left")
    }
}
