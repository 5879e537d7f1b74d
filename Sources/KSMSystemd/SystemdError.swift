import Glibc

/// A call into libsystemd or the C library that failed.
package struct SystemdError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was being done and to what, to be read after "cannot": `watch signal 15`.
    package let operation: String
    /// The cause as a positive errno.
    package let code: Int32

    package init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    /// One line: operation, cause in words, cause as a number.
    package var description: String {
        "cannot \(operation): \(String(cString: strerror(code))) (errno \(code))"
    }

    /// Passes on the result of a libsystemd call, or throws if it is a negative errno.
    @discardableResult
    static func check(_ operation: @autoclosure () -> String, _ result: Int32) throws(SystemdError) -> Int32 {
        guard result < 0 else { return result }
        throw SystemdError(operation: operation(), code: 0 &- result)
    }
}
