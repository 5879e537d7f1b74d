/// What the kernel and its neighbours do that is known to work against merging.
///
/// Read now and then, not at each tick. A missing file is `nil`.
package struct KernelFacts: Equatable, Sendable {
    /// 6 and 18 of `6.18.44-amd64` (`/proc/sys/kernel/osrelease`).
    package var kernelMajor: UInt64?
    package var kernelMinor: UInt64?
    /// `/proc/sys/kernel/numa_balancing`: 0 off, 1 moves memory to its users, 2 moves hot memory up a tier, 3 both.
    package var numaBalancing: UInt64?
    /// `always`, `madvise` or `never` (`/sys/kernel/mm/transparent_hugepage/enabled`).
    package var thpEnabled: String?
    /// `khugepaged/pages_collapsed`: huge pages that khugepaged has made since boot.
    package var khugepagedCollapsed: UInt64?
    /// `khugepaged/full_scans`: its passes over all memory since boot.
    package var khugepagedFullScans: UInt64?
    /// Process of numad, which moves guests between nodes; `nil` when none runs.
    package var numadPID: Int32?

    package init() {}

    /// Whether the kernel is at least `major.minor`; `nil` where its version was not read.
    package func isAtLeast(_ major: UInt64, _ minor: UInt64) -> Bool? {
        guard let kernelMajor, let kernelMinor else { return nil }
        return (kernelMajor, kernelMinor) >= (major, minor)
    }
}
