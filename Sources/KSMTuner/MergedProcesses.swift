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
    var rssKiB: UInt64
    var isGuest: Bool

    /// All of them, guests and others (`MemoryKSM=` of systemd, prctl), those with most first.
    ///
    /// Empty on kernels before 5.19, which do not tell.
    static func all(_ root: KernelRoot, guests: [Guest]) -> [MergedProcess] {
        let pids = ((try? root.list("/proc")) ?? []).compactMap { Int32($0) }
        let found = pids.compactMap { pid in read(root, pid, guests.first { $0.pid == pid }) }
        return found.sorted { ($0.mergingPages ?? 0, $1.pid) > ($1.mergingPages ?? 0, $0.pid) }
    }

    /// A guest of which it is not known how much is merged.
    init(_ guest: Guest) {
        (pid, startTicks, name, rssKiB) = (guest.pid, guest.startTicks, guest.name, guest.rssKiB)
        mergingPages = guest.mergingPages
        isGuest = true
    }

    private init(_ pid: Int32, _ status: ProcessStat, _ guest: Guest?, mergingPages: UInt64, rssKiB: UInt64) {
        self.pid = pid
        startTicks = status.startTicks
        name = guest?.name ?? status.comm
        self.mergingPages = mergingPages
        self.rssKiB = rssKiB
        isGuest = guest != nil
    }

    private static func read(_ root: KernelRoot, _ pid: Int32, _ guest: Guest?) -> MergedProcess? {
        guard let pages = number(root, pid), pages > 0,
            let stat = try? root.readFile("/proc/\(pid)/stat", limit: 4096),
            let status = try? ProcessStat.parse(stat.span),
            let statm = try? root.readFile("/proc/\(pid)/statm", limit: 256),
            let memory = try? ProcessMemory.parse(statm.span)
        else { return nil }
        let kib = memory.residentPages.multipliedReportingOverflow(by: GuestDirectory.pageSize / 1024).partialValue
        return MergedProcess(pid, status, guest, mergingPages: pages, rssKiB: kib)
    }

    /// Whether the pid is still that process'.
    static func isThere(_ root: KernelRoot, _ process: MergedProcess) throws(SystemError) -> Bool {
        let bytes = try root.readFile("/proc/\(process.pid)/stat", limit: 4096)
        return (try? ProcessStat.parse(bytes.span))?.startTicks == process.startTicks
    }

    private static func number(_ root: KernelRoot, _ pid: Int32) -> UInt64? {
        guard let bytes = try? root.readFile("/proc/\(pid)/ksm_merging_pages", limit: 64) else { return nil }
        return (try? ProcessNumber.mergingPages(bytes.span)) ?? nil
    }
}
