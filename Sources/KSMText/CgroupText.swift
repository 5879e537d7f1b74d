/// In which cgroups a process is, of those that count its memory (`/proc/PID/cgroup`).
package struct CgroupMembership: Equatable, Sendable {
    /// Path in the hierarchy of version 2 (the line `0::/…`).
    package var unified: String?
    /// Path in the hierarchy of version 1 that has the `memory` controller.
    ///
    /// Where there is one, it counts memory and version 2 does not.
    package var memory: String?

    package init(unified: String? = nil, memory: String? = nil) {
        self.unified = unified
        self.memory = memory
    }

    /// Parses the file; lines that are not `number:controllers:/path` are passed over.
    ///
    /// Source: proc_cgroup_show of kernel/cgroup/cgroup.c; a path can hold colons and, with ` (deleted)` behind it, be
    /// that of a cgroup that has gone.
    package static func parse(_ text: Span<UInt8>) -> CgroupMembership {
        var membership = CgroupMembership()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            membership.take(text, line)
        }
        return membership
    }

    private mutating func take(_ text: Span<UInt8>, _ line: ByteRange) {
        let number = text.field(in: line, from: line.lowerBound)
        let controllers = text.field(in: line, from: min(number.upperBound + 1, line.upperBound))
        let path = min(controllers.upperBound + 1, line.upperBound)..<line.upperBound
        guard let first = path.first, text[first] == UInt8(ascii: "/") else { return }
        if text.equals("0", in: number), controllers.isEmpty {
            unified = text.string(path)
        } else if text.hasMemory(controllers) {
            memory = text.string(path)
        }
    }
}

/// Values of a memory cgroup's files.
package enum CgroupNumber {
    /// From here on a limit of version 1 is none: its largest is `PAGE_COUNTER_MAX` pages, a little under 2^63 bytes
    /// (include/linux/page_counter.h).
    package static let unlimited: UInt64 = 1 << 62

    /// A limit in bytes: `memory.max`, `memory.high` (`max` or a number), `memory.limit_in_bytes` (a number); no limit
    /// is `nil`.
    ///
    /// Source: memory_max_show and mem_cgroup_read_u64 of mm/memcontrol.c.
    package static func limit(_ text: Span<UInt8>) throws(TextError) -> UInt64? {
        var position = 0
        let word = text.word(in: 0..<text.count, from: &position)
        if text.equals("max", in: word) { return nil }
        guard let value = text.unsigned(word) else { throw TextError(expected: "a limit in bytes", found: text) }
        return value >= unlimited ? nil : value
    }

    /// `memory.current`, `memory.usage_in_bytes`.
    package static func bytes(_ text: Span<UInt8>) throws(TextError) -> UInt64 {
        var position = 0
        guard let value = text.unsigned(text.word(in: 0..<text.count, from: &position)) else {
            throw TextError(expected: "a number of bytes", found: text)
        }
        return value
    }
}

extension Span<UInt8> {
    /// From `start` to before the next colon of the line.
    fileprivate func field(in line: ByteRange, from start: Int) -> ByteRange {
        var end = start
        while end < line.upperBound, self[end] != UInt8(ascii: ":") { end += 1 }
        return start..<end
    }

    /// Whether `memory` is one of the names, which commas separate.
    fileprivate func hasMemory(_ controllers: ByteRange) -> Bool {
        var start = controllers.lowerBound
        while start < controllers.upperBound {
            var end = start
            while end < controllers.upperBound, self[end] != UInt8(ascii: ",") { end += 1 }
            if equals("memory", in: start..<end) { return true }
            start = end + 1
        }
        return false
    }
}
