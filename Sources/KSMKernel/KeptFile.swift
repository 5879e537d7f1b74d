import Glibc

/// A file that is read at every tick: its descriptor is kept on the running machine and opened anew on a recorded one.
final class KeptFile {
    let path: String
    private let root: KernelRoot
    private let buffer: ReadBuffer
    private var descriptor: Int32 = -1

    init(_ root: KernelRoot, _ path: String, buffer: ReadBuffer) {
        self.root = root
        self.path = path
        self.buffer = buffer
    }

    deinit {
        forget()
    }

    /// Reads the file and hands its bytes to `body`.
    ///
    /// Where the descriptor of an earlier read has become bad (a device that went gives ENODEV, also after it has come
    /// back: kernfs_get_active of fs/kernfs/dir.c), the file is opened anew and read once more.
    func read<Value>(_ body: (Span<UInt8>) -> Value) throws(SystemError) -> Value {
        let isOld = descriptor >= 0
        defer { if !root.isLive { forget() } }
        do {
            return try readOpen(body)
        } catch {
            forget()
            guard isOld else { throw error }
            return try readOpen(body)
        }
    }

    private func readOpen<Value>(_ body: (Span<UInt8>) -> Value) throws(SystemError) -> Value {
        if descriptor < 0 { descriptor = try root.open(path).take() }
        return try buffer.read(descriptor, path: path, body)
    }

    /// Reads the file; a missing one is `nil`, other trouble goes to `problems`.
    func readIfPresent<Value>(problems: inout [String], _ body: (Span<UInt8>) -> Value) -> Value? {
        do {
            return try read(body)
        } catch {
            if !error.isAbsent { problems.append(error.description) }
            return nil
        }
    }

    private func forget() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
