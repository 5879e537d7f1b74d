import Glibc
import KSMKernel
import KSMModel

/// Looks whether the pages of a process lie where they belong, and moves what does not.
struct HomeBringer {
    let root: KernelRoot
    let process: MergedProcess
    let pageSize: UInt64
    /// The nodes that this process may move pages to.
    let reachable: [Int]
    let floor: MemoryFloor
    var account: CopyAccount

    /// One run of addresses.
    ///
    /// Moving takes as long again as looking, so that the guest has the memory bus for half of the time.
    mutating func bring(_ run: HomeRuns.Run) throws(SystemError) {
        var start: UInt32 = 0
        while start < run.pages {
            let count = min(UInt32(PageNodes.batch), run.pages - start)
            let first = run.address + UInt64(start) * pageSize
            let addresses = (0..<UInt64(count)).map { first + $0 * pageSize }
            try bring(addresses, to: run.node)
            start += count
        }
    }

    private mutating func bring(_ addresses: [UInt64], to node: Int32) throws(SystemError) {
        let pid = process.pid
        // Pages are moved by pid: it must still be this guest's.
        guard try MergedProcess.isThere(root, process) else {
            throw SystemError(operation: "find", path: "guest \(pid)", errno: ESRCH)
        }
        var status = [Int32](repeating: -1, count: addresses.count)
        try PageNodes.query(pid: pid, addresses: addresses, into: &status)
        let strays = zip(addresses, status).filter { $1 >= 0 && $1 != node }.map(\.0)
        account.home &+= UInt64(status.count { $0 == node })
        guard !strays.isEmpty else { return }
        account.astray &+= UInt64(strays.count)
        guard reachable.contains(Int(node)) else {
            account.outOfReach[Int(node), default: 0] &+= UInt64(strays.count)
            return
        }
        // The kernel would make room on the node by reclaiming what is there.
        guard floor.hasRoom(Int(node), kib: UInt64(strays.count) * pageSize / 1024) else { return }
        var moved = [Int32](repeating: -1, count: strays.count)
        try PageNodes.move(pid: pid, addresses: strays, to: node, status: &moved)
        let count = UInt64(moved.count { $0 == node })
        account.moved &+= count
        account.astray &-= min(count, account.astray)
        usleep(1000)
    }
}
