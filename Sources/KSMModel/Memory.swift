/// The lines of `/proc/meminfo` that ksmd uses, in KiB as the kernel prints them.
///
/// A missing line is `nil`.
package struct MemoryInfo: Equatable, Sendable {
    package var memTotalKiB: UInt64?
    package var memFreeKiB: UInt64?
    package var memAvailableKiB: UInt64?
    package var buffersKiB: UInt64?
    package var cachedKiB: UInt64?
    package var anonPagesKiB: UInt64?
    package var swapTotalKiB: UInt64?
    package var swapFreeKiB: UInt64?

    package init() {}

    /// What ksmtuned calls free: MemFree + Buffers + Cached.
    ///
    /// Tmpfs counts as free in it, reclaimable slabs do not.
    package var classicFreeKiB: UInt64? {
        guard let free = memFreeKiB, let buffers = buffersKiB, let cached = cachedKiB else { return nil }
        return free.addingReportingOverflow(buffers).partialValue.addingReportingOverflow(cached).partialValue
    }
}

/// Pressure stall information of memory (`/proc/pressure/memory`).
///
/// See Documentation/accounting/psi.rst.
package struct PressureStall: Equatable, Sendable {
    /// One line: some or all tasks stalled.
    package struct Line: Equatable, Sendable {
        /// Share of wall time over 10, 60 and 300 s, in hundredths of a percent (`0.00` to `100.00` in the file).
        package var avg10: UInt32
        package var avg60: UInt32
        package var avg300: UInt32
        /// Stalled time since boot in microseconds.
        package var totalMicroseconds: UInt64

        package init(avg10: UInt32, avg60: UInt32, avg300: UInt32, totalMicroseconds: UInt64) {
            self.avg10 = avg10
            self.avg60 = avg60
            self.avg300 = avg300
            self.totalMicroseconds = totalMicroseconds
        }
    }

    package var some: Line?
    package var full: Line?

    package init() {}
}

/// The KSM lines of `/proc/vmstat`: events since boot.
package struct KSMEvents: Equatable, Sendable {
    /// Shared pages that were written and so copied; also every page that `run`=2 un-shares.
    ///
    /// From 5.19.
    package var cow_ksm: UInt64?
    /// Copies made of shared pages that came back from swap.
    ///
    /// From 5.18.
    package var ksm_swpin_copy: UInt64?

    package init() {}
}

/// The kernel's own thread `ksmd`, which does the scanning.
package struct ScannerThread: Equatable, Sendable {
    package var pid: Int32
    /// CPU time since boot in nanoseconds; field 1 of `/proc/PID/schedstat`, else `utime + stime` of `stat` (10 ms steps).
    package var cpuNanoseconds: UInt64

    package init(pid: Int32, cpuNanoseconds: UInt64) {
        self.pid = pid
        self.cpuNanoseconds = cpuNanoseconds
    }
}

/// Memory of one NUMA node, in KiB.
package struct NodeMemory: Equatable, Sendable {
    package var node: Int
    package var totalKiB: UInt64
    package var freeKiB: UInt64
    /// Anonymous memory on the node (`AnonPages` of `nodeN/meminfo`); `nil` where it was not read.
    package var anonKiB: UInt64?
    /// Page cache on the node (`FilePages`).
    package var fileKiB: UInt64?
    /// Cache and slabs that the kernel would give back: `Active(file)` + `Inactive(file)` + `KReclaimable` (before 4.20
    /// `SReclaimable`).
    package var reclaimableKiB: UInt64?
    /// What a guest could still get here: free memory and the reclaimable part that the kernel's own estimate for the
    /// host (`MemAvailable`) leaves; `nil` where it was not read.
    package var availableKiB: UInt64?

    package init(node: Int, totalKiB: UInt64, freeKiB: UInt64, anonKiB: UInt64? = nil, fileKiB: UInt64? = nil) {
        self.node = node
        self.totalKiB = totalKiB
        self.freeKiB = freeKiB
        self.anonKiB = anonKiB
        self.fileKiB = fileKiB
    }
}
