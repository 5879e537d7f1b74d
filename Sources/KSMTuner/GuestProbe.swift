import CLinux
import Glibc
package import KSMKernel
import KSMModel
import KSMText

/// Reads the guests' `ksm_stat` in a short-lived child.
///
/// On 6.18 that file waits for the guest's memory map, unkillably and behind any long writer of it (un-sharing one
/// guest of 4 GiB takes 2–4 s), which the loop must never do.
package final class GuestProbe {
    /// The figures are for people; fresher ones are not worth a fork.
    static let intervalNanoseconds: UInt64 = 10_000_000_000

    private let guests: GuestDirectory
    private let root: KernelRoot
    private var requests: UnsafeMutablePointer<ksmd_read>?
    private var asked: [(pid: Int32, startTicks: UInt64)] = []
    private var child: Int32?
    private var lastNanoseconds: UInt64?

    package init(_ guests: GuestDirectory, _ root: KernelRoot) {
        self.guests = guests
        self.root = root
    }

    /// Starts a child when it is time and none is under way.
    ///
    /// - Returns: its pid.
    package func start(now: UInt64) -> Int32? {
        if child != nil || guests.guests.isEmpty { return nil }
        if let lastNanoseconds, now &- lastNanoseconds < GuestProbe.intervalNanoseconds { return nil }
        let descriptors = guests.openKSMStats()
        guard let memory = ksmd_shared_memory(size(descriptors.count)) else { return nil }
        let requests = memory.bindMemory(to: ksmd_read.self, capacity: descriptors.count)
        for (index, descriptor) in descriptors.enumerated() { requests[index].descriptor = descriptor }
        let pid = ksmd_fork_reader(requests, descriptors.count)
        guard pid > 0 else {
            munmap(memory, size(descriptors.count))
            return nil
        }
        asked = guests.guests.map { ($0.pid, $0.startTicks) }
        self.requests = requests
        child = pid
        lastNanoseconds = now
        return pid
    }

    /// Takes in what the child has read.
    ///
    /// - Returns: whether it was this one's child.
    package func finish(pid: Int32) -> Bool {
        guard pid == child, let requests else { return false }
        for (index, guest) in asked.enumerated() where requests[index].result > 0 {
            let stat = withUnsafeBytes(of: &requests[index].buffer) { bytes in
                bytes.prefix(Int(requests[index].result)).withMemoryRebound(to: UInt8.self) { KSMStat.parse($0.span) }
            }
            guests.setKSMStat(stat, pid: guest.pid, startTicks: guest.startTicks)
        }
        munmap(requests, size(asked.count))
        self.requests = nil
        child = nil
        return true
    }

    private func size(_ count: Int) -> Int { max(1, count) * MemoryLayout<ksmd_read>.stride }
}
