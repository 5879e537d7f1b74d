import Glibc
import KSMTuner

/// Standard output for many lines: written in large pieces, and quiet when nobody reads any more.
struct LineOutput {
    /// What a pipe holds (pipe(7)).
    private static let pieceSize = 64 << 10

    private var bytes: [UInt8] = []

    init() {
        // A reader that has gone, as `head` does, is then an error of write.
        signal(SIGPIPE, SIG_IGN)
        bytes.reserveCapacity(LineOutput.pieceSize)
    }

    /// Adds to what is to be written.
    mutating func add(_ more: some Collection<UInt8>) throws(Failure) {
        bytes.append(contentsOf: more)
        if bytes.count >= LineOutput.pieceSize { try flush() }
    }

    /// Writes what there is.
    mutating func flush() throws(Failure) {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { throw LineOutput.failure(errno) }
            start += max(0, count)
        }
        bytes.removeAll(keepingCapacity: true)
    }

    /// That nobody reads is no mistake of anybody: it ends the command without a word.
    private static func failure(_ error: Int32) -> Failure {
        if error == EPIPE { return Failure(ExitStatus.success) }
        return Failure(ExitStatus.failure, "Failed to write: \(String(cString: strerror(error)))")
    }
}
