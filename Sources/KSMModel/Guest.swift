/// The lines of `/proc/PID/ksm_stat`.
///
/// Each kernel has its own set (6.1: items; 6.4: pages and profit; 6.6: zero pages; 6.18: the two flags); a missing
/// line is `nil`.
package struct KSMStat: Equatable, Sendable {
    /// Bookkeeping items, one per candidate page.
    package var rmapItems: UInt64?
    package var zeroPages: Int64?
    package var mergingPages: UInt64?
    /// Bytes; the kernel counts every merged page of the process as saved, the kept one too.
    package var processProfitBytes: Int64?
    package var mergeAny: Bool?
    package var mergeable: Bool?

    package init() {}
}

/// One virtual machine: a process that the configured names recognise.
package struct Guest: Equatable, Sendable {
    package var pid: Int32
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`): with the pid it names the process for ever.
    package var startTicks: UInt64
    /// From `-name [guest=]NAME`, else the process name.
    package var name: String
    /// Resident memory in KiB; merged pages count in full, zero pages placed by KSM do not.
    package var rssKiB: UInt64
    /// Proportional set size in KiB (`smaps_rollup`); read only where the configuration asks for it.
    package var pssKiB: UInt64?
    /// Pages of the process that are merged (kept and shared ones); `nil` where the kernel (before 6.1) or the
    /// permissions do not let ksmd see it.
    package var mergingPages: UInt64?
    package var ksmStat: KSMStat?

    package init(pid: Int32, startTicks: UInt64, name: String, rssKiB: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
        self.name = name
        self.rssKiB = rssKiB
    }

    /// This guest's part of what the host saves, in bytes, so that the parts of all guests add up to it: merged pages
    /// weighted by sharing ÷ (shared + sharing), plus its zero pages.
    ///
    /// Source: `pages_shared` counts the kept copies, `pages_sharing` the places that need none
    /// (Documentation/admin-guide/mm/ksm.rst).
    package func savedBytes(_ host: KSMAttributes, pageSize: UInt64) -> UInt64? {
        guard let merging = mergingPages, let sharing = host.number(.pages_sharing) else { return nil }
        let shared = host.number(.pages_shared) ?? 0
        let slots = shared.addingReportingOverflow(sharing).partialValue
        let part = slots == 0 ? 0 : Double(merging) * Double(sharing) / Double(slots)
        // 2^63 is far above any memory, and the largest Double that every conversion here survives.
        let merged = UInt64(min(part, Double(merging), 0x1p63))
        let pages = merged.addingReportingOverflow(UInt64(max(0, ksmStat?.zeroPages ?? 0))).partialValue
        return pages.multipliedReportingOverflow(by: pageSize).partialValue
    }
}
