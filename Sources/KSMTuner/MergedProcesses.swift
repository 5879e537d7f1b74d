import KSMKernel
import KSMModel
import KSMText

/// A process that has merged pages.
struct MergedProcess: Equatable {
    var pid: Int32
    var startTicks: UInt64
    var name: String
    /// `nil` on kernels that do not tell.
    var mergingPages: UInt64?
    /// `nil` where the kernel has none, and where no zero pages are.
    var ksmStat: KSMStat?
    var rssKiB: UInt64
    var isGuest: Bool

    /// All of them, guests and others (`MemoryKSM=` of systemd, prctl), those with most first.
    ///
    /// Empty on kernels before 5.19, which do not tell.
    /// - Parameter zeroPages: all there are; with some, processes that have only those count too.
    static func all(_ root: KernelRoot, guests: [Guest], zeroPages: UInt64) -> [MergedProcess] {
        let pids = ((try? root.list("/proc")) ?? []).compactMap { Int32($0) }
        let known = Dictionary(guests.map { ($0.pid, $0) }) { first, _ in first }
        let found = pids.compactMap { pid in read(root, pid, known[pid], withZeroPages: zeroPages > 0) }
        return found.sorted { ($0.mergingPages ?? 0, $1.pid) > ($1.mergingPages ?? 0, $0.pid) }
    }

    /// A guest of which it is not known how much is merged.
    init(_ guest: Guest) {
        (pid, startTicks, name, rssKiB) = (guest.pid, guest.startTicks, guest.name, guest.rssKiB)
        mergingPages = guest.mergingPages
        ksmStat = guest.ksmStat
        isGuest = true
    }

    private init(
        _ pid: Int32,
        _ status: ProcessStat,
        _ guest: Guest?,
        mergingPages: UInt64,
        ksmStat: KSMStat?,
        rssKiB: UInt64
    ) {
        self.pid = pid
        startTicks = status.startTicks
        name = guest?.name ?? status.comm
        self.mergingPages = mergingPages
        self.ksmStat = ksmStat
        self.rssKiB = rssKiB
        isGuest = guest != nil
    }

    private static func read(
        _ root: KernelRoot,
        _ pid: Int32,
        _ guest: Guest?,
        withZeroPages: Bool
    ) -> MergedProcess? {
        guard let pages = number(root, pid) else { return nil }
        let ksmStat = withZeroPages ? statistics(root, pid) : nil
        guard pages > 0 || ksmStat?.zeroPages ?? 0 > 0,
            let stat = try? root.readFile("/proc/\(pid)/stat", limit: 4096),
            let status = try? ProcessStat.parse(stat.span),
            let statm = try? root.readFile("/proc/\(pid)/statm", limit: 256),
            let memory = try? ProcessMemory.parse(statm.span)
        else { return nil }
        let kib = memory.residentPages.multipliedReportingOverflow(by: GuestDirectory.pageSize / 1024).partialValue
        return MergedProcess(pid, status, guest, mergingPages: pages, ksmStat: ksmStat, rssKiB: kib)
    }

    /// Whether the pid is still that process'.
    static func isThere(_ root: KernelRoot, _ process: MergedProcess) throws(SystemError) -> Bool {
        try GuestPages.startTicks(root, process.pid) == process.startTicks
    }

    private static func statistics(_ root: KernelRoot, _ pid: Int32) -> KSMStat? {
        (try? root.readFile("/proc/\(pid)/ksm_stat", limit: 1024)).map { KSMStat.parse($0.span) }
    }

    private static func number(_ root: KernelRoot, _ pid: Int32) -> UInt64? {
        guard let bytes = try? root.readFile("/proc/\(pid)/ksm_merging_pages", limit: 64) else { return nil }
        return (try? ProcessNumber.mergingPages(bytes.span)) ?? nil
    }
}
