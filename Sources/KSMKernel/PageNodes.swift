import CNuma
import Glibc

/// On which nodes pages of a process lie (move_pages(2) with no target nodes, through libnuma).
///
/// Needs PTRACE_MODE_READ of the process. It takes the process' mmap lock for reading: behind a waiting writer it waits,
/// unkillably; the loop of the daemon does not call it.
package enum PageNodes {
    /// Addresses per system call: what the kernel works through without letting go for long (it copies 16 at a time,
    /// DO_PAGES_STAT_CHUNK_NR of mm/migrate.c).
    package static let batch = 1024

    /// Asks for the node of each address.
    /// - Parameters:
    ///   - addresses: any bytes of the pages.
    ///   - status: for each address, in the same order, a node or a negative errno (-ENOENT: no page is there; -EFAULT:
    ///     not mapped, or the zero page); at least as long as `addresses`.
    /// - Throws: ESRCH (the process has gone), EPERM (it is not ours to look at), ENOSYS (no NUMA in the kernel).
    package static func query(
        pid: Int32,
        addresses: UnsafeBufferPointer<UInt64>,
        into status: UnsafeMutableBufferPointer<Int32>
    ) throws(SystemError) {
        precondition(status.count >= addresses.count)
        var start = 0
        while start < addresses.count {
            let count = min(batch, addresses.count - start)
            try call(pid, UnsafeBufferPointer(rebasing: addresses[start..<start + count]), status, start)
            start += count
        }
    }

    /// The same for arrays.
    package static func query(pid: Int32, addresses: [UInt64], into status: inout [Int32]) throws(SystemError) {
        var failure: SystemError?
        addresses.withUnsafeBufferPointer { addresses in
            status.withUnsafeMutableBufferPointer { status in
                do throws(SystemError) {
                    try query(pid: pid, addresses: addresses, into: status)
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }

    private static func call(
        _ pid: Int32,
        _ addresses: UnsafeBufferPointer<UInt64>,
        _ status: UnsafeMutableBufferPointer<Int32>,
        _ offset: Int
    ) throws(SystemError) {
        guard let first = addresses.baseAddress, let results = status.baseAddress else { return }
        let count = addresses.count
        // Addresses are as wide as pointers on every machine that ksmd is built for; the pages are not written to.
        let result = UnsafeMutablePointer(mutating: first)
            .withMemoryRebound(to: UnsafeMutableRawPointer?.self, capacity: count) {
                numa_move_pages(pid, UInt(count), $0, nil, results + offset, 0)
            }
        guard result == 0 else {
            throw SystemError(operation: "ask for the nodes of pages of", path: "process \(pid)", errno: errno)
        }
    }
}
