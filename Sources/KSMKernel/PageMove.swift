import CNuma
import Glibc

extension PageNodes {
    /// Moves pages of a process that it alone has (move_pages(2), MPOL_MF_MOVE).
    /// - Parameters:
    ///   - addresses: any bytes of the pages.
    ///   - node: where they go; it has to be one of this process' own cpuset.
    ///   - status: for each the node where it lies now, or a negative errno (-EACCES: others map it too; -EBUSY,
    ///     -ENOMEM).
    /// - Throws: ESRCH (the process has gone), EPERM, EACCES (the node is out of reach), ENODEV (no such node).
    package static func move(
        pid: Int32,
        addresses: [UInt64],
        to node: Int32,
        status: inout [Int32]
    ) throws(SystemError) {
        var start = 0
        while start < addresses.count {
            let count = min(batch, addresses.count - start)
            var pages: [UnsafeMutableRawPointer?] = addresses[start..<start + count].map {
                UnsafeMutableRawPointer(bitPattern: UInt($0))
            }
            let nodes = [Int32](repeating: node, count: count)
            // A positive result is the number of pages that were not moved.
            let result = status.withUnsafeMutableBufferPointer { status in
                numa_move_pages(pid, UInt(count), &pages, nodes, status.baseAddress.map { $0 + start }, 1 << 1)
            }
            guard result >= 0 else {
                throw SystemError(operation: "move pages of", path: "process \(pid)", errno: errno)
            }
            start += count
        }
    }
}
