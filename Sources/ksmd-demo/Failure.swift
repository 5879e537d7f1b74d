import Glibc
import KSMKernel

/// What went wrong, in one sentence for the person at the terminal.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }

    /// `Failed to make directory /tmp/x: No space left on device`, from `errno`.
    init(_ operation: String, _ object: String, errno: Int32) {
        description = "Failed to \(operation) \(object): \(Failure.text(errno))"
    }

    static func text(_ errno: Int32) -> String { SystemError.text(of: errno) }
}
