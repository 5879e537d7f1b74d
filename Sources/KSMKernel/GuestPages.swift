import Glibc
import KSMText

/// One guest's own memory, page by page, without touching it: nothing is faulted in, read or un-shared.
///
/// Everything here takes the guest's mmap lock for reading, for microseconds at a time, and waits behind whoever has it
/// for writing: not for the daemon's loop.
package final class GuestPages {
    package let pid: Int32
    /// The guest's start in clock ticks since boot.
    package let startTicks: UInt64
    private let root: KernelRoot
    private let merged: MergedPages
    private let map: PageMap

    /// Opens the guest's page map.
    /// - Parameter startTicks: 0 is whatever has the pid now.
    /// - Throws: ESRCH when another process has the pid.
    package init(_ root: KernelRoot, pid: Int32, startTicks: UInt64, _ merged: MergedPages) throws(SystemError) {
        self.root = root
        self.pid = pid
        self.merged = merged
        map = try PageMap(root, pid: pid)
        let found = try GuestPages.startTicks(root, pid)
        self.startTicks = startTicks == 0 ? found : startTicks
        guard found == self.startTicks else { throw GuestPages.gone(pid) }
    }

    /// Which pages are wanted.
    package enum Wanted {
        /// The guest's memory, merged and not; without the zero page where that is known.
        case all
        /// The same with the zero page, whose node is negative: the kernel puts copies in its place when it un-shares.
        case allAndZero
        /// Merged pages; all, where they cannot be told from others.
        case merged
    }

    /// Calls `body` for all pages that are in memory, at most 512 at a time, until it returns `false`.
    ///
    /// Pages in swap, of files and of shared memory are left out. The areas are those of the start: what the guest maps
    /// meanwhile is not seen.
    /// - Parameter withNodes: asks for each page's node, which costs more than the rest.
    /// - Throws: what `body` throws, or why the guest cannot be looked at (ESRCH: it has gone).
    package func forEachBatch(
        _ wanted: Wanted = .all,
        withNodes: Bool = false,
        _ body: (PageBatch) throws(SystemError) -> Bool
    ) throws(SystemError) {
        let size = GuestDirectory.pageSize
        let batch = PageBatch(capacity: PageMap.chunk, knowsMerged: merged.signal != nil)
        let takesOwn = wanted != .merged || merged.signal == nil
        let takesZero = wanted == .allAndZero
        let entries = UnsafeMutableBufferPointer<PageMapEntry>.allocate(capacity: PageMap.chunk)
        defer { entries.deallocate() }
        for area in try MemoryAreas.read(root, pid: pid, where: \.canHoldMergedPages) {
            var page = area.start / size
            while page < area.end / size {
                let count = try read(page, before: area.end / size, into: entries)
                if count == 0 { break }
                batch.fill(
                    UnsafeBufferPointer(rebasing: entries[..<count]),
                    merged,
                    takesOwn: takesOwn,
                    takesZero: takesZero
                ) {
                    (page + UInt64($0)) * size
                }
                if withNodes, batch.count > 0 { try batch.findNodes(pid: pid, keepsZero: takesZero) }
                if batch.count > 0, try !body(batch) { return }
                page += UInt64(count)
            }
        }
    }

    /// Reads the entries from `page` to before `end`, as many as there is room for.
    ///
    /// - Returns: how many; 0 at the end of the address space.
    /// - Throws: ESRCH also when the guest has ended.
    func read(_ page: UInt64, before end: UInt64, into entries: UnsafeMutableBufferPointer<PageMapEntry>)
        throws(SystemError) -> Int
    {
        let wanted = Int(min(UInt64(entries.count), end - page))
        let count = try map.read(page: page, into: UnsafeMutableBufferPointer(rebasing: entries[..<wanted]))
        // Also what a process reads whose memory has gone; then its number is of a zombie or of another.
        if count == 0, try memory().sizePages == 0 { throw GuestPages.gone(pid) }
        return count
    }

    /// - Throws: ESRCH when the pid is no longer that guest's: what was asked for by pid may be another process'.
    package func check() throws(SystemError) {
        guard try GuestPages.startTicks(root, pid) == startTicks else { throw GuestPages.gone(pid) }
    }

    /// The guest's size.
    func memory() throws(SystemError) -> ProcessMemory {
        let file = try root.open(process: pid, "statm")
        let memory = try ReadBuffer(size: 4096).read(file.raw, path: "/proc/\(pid)/statm") {
            try? ProcessMemory.parse($0)
        }
        guard let memory else { throw SystemError(operation: "understand", path: "/proc/\(pid)/statm", errno: EIO) }
        return memory
    }

    /// The areas of the guest's memory that are worth a look.
    func sampledAreas() throws(SystemError) -> [MemoryArea] {
        try MemoryAreas.read(root, pid: pid, where: \.isWorthSampling)
    }

    /// The start of whatever has the pid now, in clock ticks since boot.
    ///
    /// - Throws: ESRCH or ENOENT when nothing has it.
    package static func startTicks(_ root: KernelRoot, _ pid: Int32) throws(SystemError) -> UInt64 {
        let file = try root.open(process: pid, "stat")
        let stat = try ReadBuffer(size: 4096).read(file.raw, path: "/proc/\(pid)/stat") { try? ProcessStat.parse($0) }
        guard let stat else { throw SystemError(operation: "understand", path: "/proc/\(pid)/stat", errno: EIO) }
        return stat.startTicks
    }

    private static func gone(_ pid: Int32) -> SystemError {
        SystemError(operation: "find", path: "guest \(pid)", errno: ESRCH)
    }
}
