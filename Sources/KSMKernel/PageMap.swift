import Glibc

/// What `/proc/PID/pagemap` says about one page (Documentation/admin-guide/mm/pagemap.rst).
package struct PageMapEntry: Equatable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    /// Bit 63: the page is in memory.
    package var isPresent: Bool { bits >> 63 == 1 }
    /// Bit 62: it is in swap.
    package var isSwapped: Bool { bits >> 62 & 1 == 1 }
    /// Bit 61: it is a page of a file or of shared memory.
    package var isFile: Bool { bits >> 61 & 1 == 1 }
    /// Bit 56: it is mapped once only (since 4.2).
    package var isExclusive: Bool { bits >> 56 & 1 == 1 }
    /// Bits 0–54: the page frame; 0 for a reader without CAP_SYS_ADMIN.
    package var frame: UInt64 { bits & (1 << 55 - 1) }
    /// In memory, neither in swap nor of a file: the process' own memory, merged pages and the zero page included.
    package var isResidentAnonymous: Bool { bits >> 61 == 0b100 }
}

/// `/proc/PID/pagemap`: eight bytes for each page of a process' address space.
///
/// Opening needs PTRACE_MODE_READ. The file belongs to the address space that the process had when it was opened: a later
/// process with that pid is never read. A read takes the process' mmap lock for reading; nothing is faulted in.
package struct PageMap: ~Copyable {
    /// Entries per read: what the kernel walks at a time (PAGEMAP_WALK_SIZE of fs/proc/task_mmu.c, 2 MiB of memory).
    package static let chunk = 512

    private let descriptor: FileDescriptor
    private let pid: Int32?

    /// - Parameter pid: `nil` is this process.
    package init(_ root: KernelRoot, pid: Int32?) throws(SystemError) {
        self.pid = pid
        descriptor = try root.open(PageMap.path(pid))
    }

    /// Reads the entries of the pages from number `page` (address ÷ page size) on.
    /// - Returns: how many there are; 0 beyond the end of the address space, and when the process has gone.
    package borrowing func read(
        page: UInt64,
        into entries: UnsafeMutableBufferPointer<PageMapEntry>
    ) throws(SystemError) -> Int {
        guard let offset = off_t(exactly: page.multipliedReportingOverflow(by: 8).partialValue) else { return 0 }
        while true {
            let count = pread(descriptor.raw, entries.baseAddress, entries.count * 8, offset)
            if count >= 0 { return count / 8 }
            if errno != EINTR { throw SystemError(operation: "read", path: PageMap.path(pid), errno: errno) }
        }
    }

    private static func path(_ pid: Int32?) -> String { "/proc/\(pid.map(String.init) ?? "self")/pagemap" }
}

/// `/proc/kpageflags`: eight bytes for each page frame of the machine; root only.
struct PageFlags: ~Copyable {
    /// KPF_ANON, KPF_KSM and KPF_ZERO_PAGE of include/uapi/linux/kernel-page-flags.h.
    static let anonymous: UInt64 = 1 << 12
    static let merged: UInt64 = 1 << 21
    static let zero: UInt64 = 1 << 24

    private let descriptor: FileDescriptor

    init(_ root: KernelRoot) throws(SystemError) {
        descriptor = try root.open("/proc/kpageflags")
    }

    /// Reads the flags of as many frames from `frame` on as `flags` has room for.
    /// - Returns: how many there are; 0 also on an error.
    borrowing func read(frame: UInt64, into flags: UnsafeMutableBufferPointer<UInt64>) -> Int {
        guard let offset = off_t(exactly: frame.multipliedReportingOverflow(by: 8).partialValue) else { return 0 }
        return max(0, pread(descriptor.raw, flags.baseAddress, flags.count * 8, offset) / 8)
    }
}
