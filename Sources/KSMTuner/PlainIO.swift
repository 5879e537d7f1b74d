import CLinux
import Glibc
import KSMKernel

/// Whole texts over descriptors: what goes from one process of ksmd's to another.
enum PlainIO {
    /// A longer answer is none: 2,000 guests on 8 nodes take 400 kB.
    static let longestAnswer = 8 << 20

    /// A file in memory, for the standard input or output of a child.
    static func memoryFile() throws(SystemError) -> Int32 {
        let file = ksmd_memory_file("ksmd")
        guard file >= 0 else { throw SystemError(operation: "make", path: "a file in memory", errno: -file) }
        return file
    }

    /// A file in memory that holds `bytes`, to be read from its beginning.
    static func memoryFile(_ bytes: [UInt8]) throws(SystemError) -> Int32 {
        let file = try memoryFile()
        guard write(bytes, to: file), lseek(file, 0, SEEK_SET) == 0 else {
            let cause = errno
            close(file)
            throw SystemError(operation: "write", path: "a file in memory", errno: cause)
        }
        return file
    }

    /// What a file holds.
    /// - Throws: EFBIG for one that is longer than any answer.
    static func contents(of file: Int32) throws(SystemError) -> [UInt8] {
        let size = lseek(file, 0, SEEK_END)
        guard size >= 0, size <= longestAnswer else {
            throw SystemError(operation: "read", path: "the answer", errno: EFBIG)
        }
        return [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            count = max(0, pread(file, buffer.baseAddress, buffer.count, 0))
        }
    }

    /// What can be read until the end, or until there is more than `limit`.
    static func readAll(_ descriptor: Int32, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Writes everything.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            offset += count
        }
        return true
    }
}
