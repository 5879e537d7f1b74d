/// The lines of a file, without their ends; a carriage return before the end of a line belongs to it.
struct PhysicalLines: IteratorProtocol {
    private let bytes: [UInt8]
    private var position: Int
    /// The number of the line that `next` returned last.
    private(set) var number = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0  // the byte order mark of UTF-8
    }

    mutating func next() -> ArraySlice<UInt8>? {
        guard position < bytes.count else { return nil }
        let rest = bytes[position...]
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        number += 1
        position = end + 1
        let line = bytes[rest.startIndex..<end]
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }
}

/// The lines of a file in systemd's syntax, continued ones joined (systemd.syntax(7)): a backslash at the end becomes a
/// space, comments in between are left out.
///
/// Comments are not returned at all.
struct IniLines: IteratorProtocol {
    private var physical: PhysicalLines

    init(_ bytes: [UInt8]) {
        physical = PhysicalLines(bytes)
    }

    /// The next line, and the number of its first part.
    mutating func next() -> (number: Int, bytes: [UInt8])? {
        var joined: [UInt8] = []
        var first: Int?
        while let line = physical.next() {
            if isComment(line) { continue }
            let number = first ?? physical.number
            first = number
            guard hasContinuation(line) else { return (number, joined + line) }
            joined += line.dropLast()
            joined.append(UInt8(ascii: " "))
        }
        return first.map { ($0, joined) }
    }

    private func isComment(_ line: ArraySlice<UInt8>) -> Bool {
        let first = line.first { !isBlank($0) }
        return first == UInt8(ascii: "#") || first == UInt8(ascii: ";")
    }

    /// An odd number of backslashes at the end: an even one is so many escaped backslashes.
    private func hasContinuation(_ line: ArraySlice<UInt8>) -> Bool {
        var count = 0
        for byte in line.reversed() {
            guard byte == UInt8(ascii: "\\") else { break }
            count += 1
        }
        return count % 2 == 1
    }
}

/// What one line in systemd's syntax says.
enum IniLine: Equatable {
    case empty
    case section(String)
    case assignment(key: String, value: String)
    /// A header that cannot be read: nobody knows which section follows.
    case badHeader(String)
    /// A line that says nothing; the sentence says why.
    case problem(String)

    init(_ line: [UInt8]) {
        let bytes = trimmed(line[...])
        if bytes.isEmpty {
            self = .empty
        } else if bytes.contains(0) {
            self = .problem("the line has a NUL byte in it and is ignored")
        } else if bytes.first == UInt8(ascii: "[") {
            self = IniLine.header(bytes)
        } else {
            self = IniLine.assignment(bytes)
        }
    }

    private static func header(_ bytes: ArraySlice<UInt8>) -> IniLine {
        guard bytes.count > 2, bytes.last == UInt8(ascii: "]"), let name = text(bytes.dropFirst().dropLast()) else {
            return .badHeader("\(excerpt(bytes)) is not a section header; what follows up to the next one is ignored")
        }
        return .section(name)
    }

    private static func assignment(_ bytes: ArraySlice<UInt8>) -> IniLine {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
            return .problem("\(excerpt(bytes)) is not an assignment (Key=value) and is ignored")
        }
        guard let key = text(trimmed(bytes[..<equals])), let value = text(trimmed(bytes[(equals + 1)...])) else {
            return .problem("the line is not valid UTF-8 and is ignored")
        }
        return key.isEmpty
            ? .problem("there is no key before =; the line is ignored") : .assignment(key: key, value: value)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
        String(validating: bytes, as: UTF8.self)
    }
}

/// The beginning of `bytes` in quotes for a message, whatever they are.
func excerpt(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes.prefix(41), as: UTF8.self)
    return "\"" + printable(text, limit: 40) + "\""
}
