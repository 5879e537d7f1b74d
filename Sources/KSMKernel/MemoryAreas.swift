import Glibc
package import KSMText

/// The mappings of a process, from `/proc/PID/maps`.
package enum MemoryAreas {
    /// 64 KiB hold the longest line more than twice: a path of 4,096 bytes, each printed as four.
    private static let bufferSize = 65_536

    /// The areas for which `isWanted` holds, in the order of their addresses.
    ///
    /// Needs PTRACE_MODE_READ and takes the process' mmap lock for reading, some 4 KiB of text at a time: areas that come
    /// and go meanwhile may be in the list or not.
    package static func read(
        _ root: KernelRoot,
        pid: Int32,
        where isWanted: (MemoryArea) -> Bool
    ) throws(SystemError) -> [MemoryArea] {
        let file = try root.open(process: pid, "maps")
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
        defer { buffer.deallocate() }
        var areas: [MemoryArea] = []
        var filled = 0
        while true {
            let count = Glibc.read(file.raw, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError(operation: "read", path: "/proc/\(pid)/maps", errno: errno)
            }
            filled += count
            let taken = parse(buffer, filled, isEnd: count == 0) { if isWanted($0) { areas.append($0) } }
            if count == 0 { return areas }
            keep(buffer, taken..<filled)
            // A line that fills the buffer is none of the kernel's: it is left out.
            filled = filled - taken == buffer.count ? 0 : filled - taken
        }
    }

    private static func parse(
        _ buffer: UnsafeMutableRawBufferPointer,
        _ filled: Int,
        isEnd: Bool,
        _ body: (MemoryArea) -> Void
    ) -> Int {
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
        return bytes.withMemoryRebound(to: UInt8.self) { ProcessMaps.parse($0.span, isEnd: isEnd, body) }
    }

    /// Moves the line that goes on in the next piece to the front.
    private static func keep(_ buffer: UnsafeMutableRawBufferPointer, _ rest: Range<Int>) {
        guard let base = buffer.baseAddress, rest.lowerBound > 0 else { return }
        memmove(base, base + rest.lowerBound, rest.count)
    }
}
