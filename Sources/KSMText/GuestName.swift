/// What ksmd reads out of a guest's command line.
package enum GuestCommandLine {
    /// The guest's name: the value of `-name`, or its `guest=` part; `nil` when there is none.
    ///
    /// QEMU takes `-name` and `--name`; in the value `,` separates and `,,` is a comma of the name (QemuOpts). Control
    /// characters become `?`, and a name is cut at 256 bytes: it goes into journal fields and tables.
    /// - Parameter text: `/proc/PID/cmdline`, arguments ended by NUL.
    package static func name(_ text: Span<UInt8>) -> String? {
        var next = 0
        var valueFollows = false
        while next < text.count {
            var end = next
            while end < text.count, text[end] != 0 { end += 1 }
            let argument = next..<end
            if valueFollows { return name(text, value: argument) }
            valueFollows = text.equals("-name", in: argument) || text.equals("--name", in: argument)
            next = end + 1
        }
        return nil
    }

    private static func name(_ text: Span<UInt8>, value: Range<Int>) -> String? {
        var first: String?
        var position = value.lowerBound
        var index = 0
        while position <= value.upperBound, index < 64 {
            let part = part(text, in: value, from: &position)
            if starts(part, with: "guest=") { return printable(part.unicodeScalars.dropFirst(6)) }
            if index == 0, !isOption(part) { first = printable(part.unicodeScalars[...]) }
            index += 1
        }
        return first
    }

    /// The next part up to a single comma, with `,,` made one comma; `position` moves behind the separator.
    private static func part(_ text: Span<UInt8>, in value: Range<Int>, from position: inout Int) -> String {
        var bytes: [UInt8] = []
        while position < value.upperBound {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: ",") {
                guard position < value.upperBound, text[position] == byte else {
                    return String(decoding: bytes, as: UTF8.self)
                }
                position += 1
            }
            if bytes.count < 264 { bytes.append(byte) }
        }
        position = value.upperBound + 1
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `process=web01` and `debug-threads=on` are options of `-name`, not names.
    private static func isOption(_ part: String) -> Bool {
        starts(part, with: "process=") || starts(part, with: "debug-threads=")
    }

    /// By bytes: to `hasPrefix`, `=` and a combining mark behind it are one character and not `=`.
    private static func starts(_ part: String, with prefix: String) -> Bool {
        part.utf8.starts(with: prefix.utf8)
    }

    private static func printable(_ name: Substring.UnicodeScalarView) -> String? {
        guard !name.isEmpty else { return nil }
        var result = ""
        for scalar in name {
            let isControl = scalar.value < 0x20 || (scalar.value >= 0x7f && scalar.value < 0xa0)
            let shown: Unicode.Scalar = isControl ? "?" : scalar
            if result.utf8.count + UTF8.width(shown) > 256 { break }
            result.unicodeScalars.append(shown)
        }
        return result
    }
}
