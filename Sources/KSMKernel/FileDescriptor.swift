import Glibc

/// An open file, closed when it goes.
package struct FileDescriptor: ~Copyable {
    package let raw: Int32

    /// Takes over `raw`.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        close(raw)
    }

    /// Gives the open descriptor away; the taker closes it.
    package consuming func take() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// Reads from offset 0 until the end or until `buffer` is full.
    /// - Returns: the number of bytes, or a negative errno.
    package func readWhole(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        FileDescriptor.readWhole(raw, into: buffer)
    }

    /// The same on a borrowed descriptor.
    ///
    /// A short read is not the end of a kernel file; 0 bytes are.
    static func readWhole(_ raw: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var filled = 0
        while filled < buffer.count {
            let count = pread(raw, base + filled, buffer.count - filled, off_t(filled))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                return Int(-errno)
            }
            filled += count
        }
        return filled
    }
}

/// One buffer that all readers of kernel files use again and again, so that a tick does not allocate.
package final class ReadBuffer {
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameter size: bytes; 64 KiB holds every file that is read whole (`/proc/vmstat` has about 5 KiB).
    package init(size: Int = 65_536) {
        memory = .allocate(byteCount: size, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }

    /// Reads `descriptor` from its start and hands the bytes to `body`.
    /// - Throws: with `operation` "read" and the given path.
    package func read<Value>(
        _ descriptor: Int32,
        path: @autoclosure () -> String,
        _ body: (Span<UInt8>) -> Value
    ) throws(SystemError) -> Value {
        let count = FileDescriptor.readWhole(descriptor, into: memory)
        guard count >= 0 else { throw SystemError(operation: "read", path: path(), errno: Int32(-count)) }
        let bytes = UnsafeRawBufferPointer(memory).prefix(count)
        return UnsafeRawBufferPointer(rebasing: bytes).withMemoryRebound(to: UInt8.self) { body($0.span) }
    }
}
