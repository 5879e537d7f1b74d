import CLinux
import Glibc

/// Is woken when one of many processes ends: their descriptors (`ProcessEnd`) below one of epoll(7), so that the loop
/// has one source however many guests there are.
package final class ProcessEnds {
    private let descriptor: FileDescriptor
    private var watched: [Int32: (startTicks: UInt64, end: ProcessEnd)] = [:]

    /// Ends told by one `drain()` at most; the rest comes with the next.
    private static let mostEnds = 64

    /// Watches nothing yet.
    package init() throws(SystemError) {
        let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard raw >= 0 else { throw SystemError(operation: "make", path: "an epoll descriptor", errno: errno) }
        descriptor = FileDescriptor(owning: raw)
    }

    /// The descriptor to wait for, until it can be read.
    package var raw: Int32 { descriptor.raw }

    /// How many processes are watched.
    package var count: Int { watched.count }

    /// Watches these processes and no others.
    ///
    /// - Parameter processes: pid, and start time in clock ticks since boot.
    /// - Returns: whether one of them has gone already.
    /// - Throws: ENOSYS where the kernel has no pidfd_open or forbids it, EMFILE at the limit of open files.
    package func watch(_ processes: [(pid: Int32, startTicks: UInt64)]) throws(SystemError) -> Bool {
        var gone = watched
        var isOneGone = false
        for process in processes {
            if gone[process.pid]?.startTicks == process.startTicks {
                gone[process.pid] = nil
            } else if try !add(process.pid, process.startTicks) {
                isOneGone = true
            } else {
                gone[process.pid] = nil
            }
        }
        for pid in gone.keys { forget(pid) }
        return isOneGone
    }

    /// - Returns: whether it is there.
    private func add(_ pid: Int32, _ startTicks: UInt64) throws(SystemError) -> Bool {
        forget(pid)
        let end: ProcessEnd?
        do {
            end = try ProcessEnd.open(pid: pid)
        } catch {
            if error.errno == ESRCH { return false }
            throw error
        }
        guard let end else {
            throw SystemError(operation: "watch the end of", path: "process \(pid)", errno: ENOSYS)
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: pid))
        guard epoll_ctl(raw, EPOLL_CTL_ADD, end.raw, &event) == 0 else {
            throw SystemError(operation: "watch the end of", path: "process \(pid)", errno: errno)
        }
        watched[pid] = (startTicks, end)
        return true
    }

    /// Takes out those that have ended, without waiting.
    ///
    /// - Returns: whether there were any.
    package func drain() -> Bool {
        var events = Array(repeating: epoll_event(), count: ProcessEnds.mostEnds)
        let count = epoll_wait(raw, &events, Int32(events.count), 0)
        guard count > 0 else { return false }
        for event in events.prefix(Int(count)) where watched[event.data.fd]?.end.hasEnded == true {
            forget(event.data.fd)
        }
        return true
    }

    /// Takes a process out of epoll, too: its descriptor stays open, and readable, in children that were forked meanwhile.
    private func forget(_ pid: Int32) {
        guard let end = watched.removeValue(forKey: pid)?.end else { return }
        epoll_ctl(raw, EPOLL_CTL_DEL, end.raw, nil)
    }
}
