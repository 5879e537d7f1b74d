import CLinux
import Glibc
package import KSMKernel
package import KSMModel

/// Writes the attributes whose write can sleep unkillably in the kernel (`Attribute.writeCanBlock`): each by a
/// short-lived child, so that the loop always answers.
///
/// At most one child per attribute is under way. A newer value for the same attribute waits for it and replaces what
/// waited before.
package final class SlowWriter {
    /// A write that has ended.
    package struct Outcome {
        package var write: Write
        package var failure: SystemError?
        /// How long it took.
        package var nanoseconds: UInt64
        /// The child that writes the value that was waiting, if any.
        package var next: Result<Int32, SystemError>?
    }

    private struct UnderWay {
        var pid: Int32
        var write: Write
        var startedNanoseconds: UInt64
        var waiting: Write?
    }

    private let sysfs: KSMSysfs
    private var underWay: [UnderWay] = []

    package init(_ sysfs: KSMSysfs) {
        self.sysfs = sysfs
    }

    /// Whether a write of this attribute has not come back yet.
    package func isUnderWay(_ attribute: Attribute) -> Bool {
        underWay.contains { $0.write.attribute == attribute }
    }

    package var isIdle: Bool { underWay.isEmpty }

    /// The child that has been writing for longest, and for how long.
    package func oldest(now: UInt64) -> (write: Write, nanoseconds: UInt64)? {
        underWay.min { $0.startedNanoseconds < $1.startedNanoseconds }
            .map { ($0.write, now &- $0.startedNanoseconds) }
    }

    /// Starts a write.
    ///
    /// - Returns: the child's pid; `nil` when the value waits for an earlier write.
    package func start(_ write: Write) throws(SystemError) -> Int32? {
        if let index = underWay.firstIndex(where: { $0.write.attribute == write.attribute }) {
            underWay[index].waiting = underWay[index].write == write ? nil : write
            return nil
        }
        return try fork(write)
    }

    private func fork(_ write: Write) throws(SystemError) -> Int32 {
        let descriptor = try sysfs.openForWriting(write.attribute, write.value)
        let text = "\(write.value)\n"
        let pid = text.withCString { ksmd_fork_writer(descriptor.raw, $0, strlen($0)) }
        guard pid > 0 else {
            throw SystemError(operation: "fork to write", path: KSMSysfs.path(write.attribute), errno: -pid)
        }
        underWay.append(UnderWay(pid: pid, write: write, startedNanoseconds: Clock.monotonicNanoseconds()))
        return pid
    }

    /// Takes in the end of a child.
    /// - Parameter status: its exit status: 0 or the errno of the write; `nil` when a signal killed it.
    /// - Returns: `nil` for a child that is not ours.
    package func finish(pid: Int32, status: Int32?) -> Outcome? {
        guard let index = underWay.firstIndex(where: { $0.pid == pid }) else { return nil }
        let ended = underWay.remove(at: index)
        let code = status ?? EINTR
        let failure =
            code == 0 ? nil : SystemError(operation: "write", path: KSMSysfs.path(ended.write.attribute), errno: code)
        var outcome = Outcome(
            write: ended.write,
            failure: failure,
            nanoseconds: Clock.monotonicNanoseconds() &- ended.startedNanoseconds
        )
        if let waiting = ended.waiting {
            do {
                outcome.next = .success(try fork(waiting))
            } catch {
                outcome.next = .failure(error)
            }
        }
        return outcome
    }

    /// Waits for a child without a loop.
    ///
    /// - Returns: `nil` when the deadline has passed; the child goes on then.
    package func wait(pid: Int32, milliseconds: Int32) -> Outcome? {
        waitEnd(pid: pid, milliseconds: milliseconds).flatMap { finish(pid: pid, status: $0) }
    }

    /// The same without taking it in.
    ///
    /// - Returns: the child's exit status, or EINTR when a signal ended it.
    func waitEnd(pid: Int32, milliseconds: Int32) -> Int32? {
        let status = ksmd_wait_child(pid, milliseconds)
        return status < 0 ? nil : status < 256 ? status : EINTR
    }
}
