import CLinux
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport

/// What the Unmerger knows before it begins: who has merged pages, where they belong, and what memory is there.
struct UnmergeSurvey {
    let sample: Sample
    let processes: [MergedProcess]
    let merged: MergedPages
    /// How pages were merged so far.
    let scope: MergeScope
    /// Nodes with memory that this process may allocate on.
    let reachable: [Int]
    /// Whether copies can be made from outside (kernels from 5.19, which also tell each process' merged pages).
    let canCopy: Bool
    let plan: UnmergePlan
    private let homes: Homes
    private let watches: [Int32: CgroupMemory.Watch]

    var pageSize: UInt64 { sample.pageSize }
    var signal: MergedSignal? { merged.signal }
    /// More than one node has memory.
    var isNUMA: Bool { sample.nodes.count > 1 }

    /// Where a process' memory belongs.
    func home(of process: MergedProcess) -> HomeDistribution? { homes[UnmergeSurvey.guest(process)]?.home }

    /// Whether its copies are made from outside, page by page; otherwise the kernel makes them.
    ///
    /// Where a page that is mapped more than once passes for merged, only guests': other processes fork, and share with
    /// their children much that is not merged.
    func copies(_ process: MergedProcess) -> Bool { canCopy && UnmergeSurvey.copies(process, signal) }

    private static func copies(_ process: MergedProcess, _ signal: MergedSignal?) -> Bool {
        process.mergingPages != 0 && (signal == .kpageflags || process.isGuest)
    }

    /// The limits of a process' cgroups; `nil` where there are none.
    func watch(_ process: MergedProcess) -> CgroupMemory.Watch? { watches[process.pid] }

    /// All limits, by guest.
    var watched: [(guest: String, watch: CgroupMemory.Watch)] {
        processes.compactMap { process in watches[process.pid].map { (process.name, $0) } }
    }

    /// Looks at everything; takes milliseconds for each guest.
    static func look(_ unmerger: Unmerger) -> UnmergeSurvey {
        var sample = unmerger.sampler.sample()
        let canCopy = unmerger.root.exists("/proc/self/ksm_merging_pages")
        // Older kernels do not tell who has merged pages: then every guest may be all merged.
        let processes =
            canCopy
            ? MergedProcess.all(
                unmerger.root,
                guests: sample.guests,
                zeroPages: sample.ksm.number(.ksm_zero_pages) ?? 0
            )
            : sample.guests.map { MergedProcess($0) }
        let merged = MergedPages(unmerger.root)
        let surveyed = processes.map { SurveyedGuest(pid: $0.pid, startTicks: $0.startTicks) }
        sample.survey = Surveyor(unmerger.root, merged).survey(surveyed)
        return UnmergeSurvey(unmerger, sample, processes, merged, canCopy: canCopy)
    }

    private init(
        _ unmerger: Unmerger,
        _ sample: Sample,
        _ processes: [MergedProcess],
        _ merged: MergedPages,
        canCopy: Bool
    ) {
        self.sample = sample
        self.processes = processes
        self.merged = merged
        let scope = sample.ksm.number(.merge_across_nodes).flatMap { MergeScope(value: $0) } ?? .across
        self.scope = scope
        let allowed = (try? ProcessPlaces.read(unmerger.root)) ?? AllowedPlaces()
        reachable = sample.nodes.map(\.node).filter { allowed.allows(node: $0) }
        self.canCopy = canCopy
        let groups = CgroupMemory(unmerger.root)
        var chains: [(guest: Guest, chain: CgroupChain)] = []
        var watches: [Int32: CgroupMemory.Watch] = [:]
        var unread: [String] = []
        for process in processes {
            do throws(SystemError) {
                let chain = try groups.chain(of: process.pid)
                chains.append((UnmergeSurvey.guest(process), chain))
                if chain.tightest != nil { watches[process.pid] = try groups.watch([chain]) }
            } catch {
                if !error.isAbsent { unread.append("\(error), so the limits of \(process.name) are not watched") }
            }
        }
        self.watches = watches
        homes = Homes(sample.survey, scope: scope)
        // Everything that has merged pages is a guest to the plan.
        var planned = sample
        planned.guests = processes.map(UnmergeSurvey.guest)
        var plan = UnmergePlanner.plan(
            planned,
            homes: homes,
            cgroups: chains,
            reachableNodes: reachable,
            canPlacePages: canCopy,
            kernelCopies: Set(processes.filter { !UnmergeSurvey.copies($0, merged.signal) }.map(\.pid))
        )
        plan.remarks += unread + UnmergeSurvey.stall(plan, unmerger.settings.numa)
        self.plan = plan
    }

    private static func guest(_ process: MergedProcess) -> Guest {
        var guest = Guest(
            pid: process.pid,
            startTicks: process.startTicks,
            name: process.name,
            rssKiB: process.rssKiB
        )
        guest.mergingPages = process.mergingPages
        guest.ksmStat = process.ksmStat
        return guest
    }

    /// A stall that is longer than wished for.
    ///
    /// The walk of the child that writes 2 goes through a whole guest at a time: nothing shortens it.
    private static func stall(_ plan: UnmergePlan, _ wish: NUMAParameters) -> [String] {
        guard plan.stallMilliseconds > wish.maxGuestStallMilliseconds else { return [] }
        return [
            "mmap, munmap and brk of the largest guest may wait for "
                + "\(Human.interval(milliseconds: plan.stallMilliseconds)), longer than MaxGuestStall="
                + Human.interval(milliseconds: wish.maxGuestStallMilliseconds)
        ]
    }
}
