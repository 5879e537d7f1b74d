/// One mapping of a process: a line of `/proc/PID/maps`.
package struct MemoryArea: Equatable, Sendable {
    /// Addresses; `start` is below `end`.
    package var start: UInt64
    package var end: UInt64
    package var isReadable: Bool
    package var isWritable: Bool
    package var isExecutable: Bool
    /// `p`: what is written stays with the process; KSM merges nothing in shared (`s`) mappings.
    package var isPrivate: Bool
    /// The inode of the mapped file; 0 is anonymous memory.
    package var inode: UInt64
    /// Whether the name is one of the kernel's own in brackets (`[vdso]`), of which only `[heap]`, `[stack]` and
    /// `[anon:…]` are memory like any other.
    package var isSpecial: Bool

    package init(start: UInt64, end: UInt64, isReadable: Bool = true, isWritable: Bool = true, isPrivate: Bool = true) {
        self.start = start
        self.end = end
        self.isReadable = isReadable
        self.isWritable = isWritable
        isExecutable = false
        self.isPrivate = isPrivate
        inode = 0
        isSpecial = false
    }

    /// Bytes.
    package var size: UInt64 { end &- start }

    /// Whether merged pages can lie in it.
    ///
    /// Private memory that has been written: anonymous, or the copies a process made of a file's pages. A mapping
    /// without any permission is address space that was only reserved.
    package var canHoldMergedPages: Bool {
        isPrivate && !isSpecial && (isReadable || isWritable || isExecutable)
    }

    /// Whether it is worth a look in a sample: memory of a size, not the data of a library.
    package var isWorthSampling: Bool {
        canHoldMergedPages && (inode == 0 || isWritable) && size >= MemoryArea.sampledBytes
    }

    /// The smallest area that is sampled.
    ///
    /// 64 KiB is ksmd's choice: a guest's memory is one area of GiB, and the hundreds of small ones of its libraries
    /// hold less than a thousandth of it.
    package static let sampledBytes: UInt64 = 65_536
}

/// `/proc/PID/maps`, piece by piece: it can be longer than any buffer.
package enum ProcessMaps {
    /// Parses the whole lines in `text` and hands each area to `body`; lines that are no area are left out.
    /// - Parameter isEnd: nothing follows, so a last line without line break is a line too.
    /// - Returns: the bytes taken: what is behind them is the start of a line that goes on in the next piece.
    package static func parse(_ text: Span<UInt8>, isEnd: Bool, _ body: (MemoryArea) -> Void) -> Int {
        var taken = 0
        while taken < text.count {
            let (line, next) = text.line(from: taken)
            let isWhole = line.upperBound < text.count
            guard isWhole || isEnd else { break }
            if let area = area(text, line) { body(area) }
            taken = isWhole ? next : line.upperBound
        }
        return taken
    }

    /// One line: `start-end rwxp offset major:minor inode name`.
    ///
    /// Source: show_vma_header_prefix of fs/proc/task_mmu.c; a line break in a name is printed as `\012`.
    private static func area(_ text: Span<UInt8>, _ line: ByteRange) -> MemoryArea? {
        var position = line.lowerBound
        guard let (start, end) = addresses(text, text.word(in: line, from: &position)), start < end else { return nil }
        let flags = text.word(in: line, from: &position)
        guard flags.count == 4 else { return nil }
        func has(_ index: Int, _ letter: Unicode.Scalar) -> Bool {
            text[flags.lowerBound + index] == UInt8(ascii: letter)
        }
        _ = text.word(in: line, from: &position)
        _ = text.word(in: line, from: &position)
        guard let inode = text.unsigned(text.word(in: line, from: &position)) else { return nil }
        var area = MemoryArea(start: start, end: end)
        area.isReadable = has(0, "r")
        area.isWritable = has(1, "w")
        area.isExecutable = has(2, "x")
        area.isPrivate = has(3, "p")
        area.inode = inode
        area.isSpecial = isSpecial(text, text.word(in: line, from: &position))
        return area
    }

    private static func addresses(_ text: Span<UInt8>, _ word: ByteRange) -> (UInt64, UInt64)? {
        guard let dash = word.first(where: { text[$0] == UInt8(ascii: "-") }),
            let start = text.hexadecimal(word.lowerBound..<dash), let end = text.hexadecimal(dash + 1..<word.upperBound)
        else { return nil }
        return (start, end)
    }

    private static func isSpecial(_ text: Span<UInt8>, _ name: ByteRange) -> Bool {
        guard let first = name.first, text[first] == UInt8(ascii: "[") else { return false }
        if text.equals("[heap]", in: name) || text.equals("[stack]", in: name) { return false }
        return !text.equals("[anon:", in: first..<min(first + 6, name.upperBound))
    }
}

extension Span<UInt8> {
    /// A hexadecimal number in small letters that fills `range`; `nil` for anything else, overflow included.
    fileprivate func hexadecimal(_ range: ByteRange) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let byte = self[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            default: return nil
            }
            guard value >> 60 == 0 else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}
