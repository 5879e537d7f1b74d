import Glibc

/// Standard output and standard error, unbuffered.
enum Screen {
    /// Whether lines can be drawn over.
    static let isTerminal: Bool = {
        guard isatty(1) == 1 else { return false }
        let kind = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return kind != "dumb" && kind != ""
    }()

    /// - Returns: false when nobody reads any more.
    @discardableResult
    static func write(_ text: String) -> Bool { put(text, 1) }

    static func complain(_ text: String) { _ = put(text, 2) }

    private static func put(_ text: String, _ descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
