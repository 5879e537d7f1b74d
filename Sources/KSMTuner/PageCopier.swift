import CLinux
import Glibc
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport

/// Makes the copies: reads one byte of each merged page from outside, which un-shares it, under a memory policy of this
/// process that puts the copy onto the node where it belongs.
///
/// The guest's memory map is locked for a page at a time, so nothing of it waits; what memory is left is looked at
/// before each step, so nothing is killed. Source: gup_must_unshare of the kernel (5.19); measured 0.49 s for each GiB.
final class PageCopier {
    private(set) var account = CopyAccount()

    /// Pages between two pauses: about half a millisecond of work.
    private static let pagesAtATime = 256
    /// A guest's mmap that waits for the lock gets it only when nobody takes it for as long as it needs to wake up, or
    /// after 4 ms (RWSEM_WAIT_TIMEOUT of kernel/locking/rwsem.c): one reader after the other would steal it each time.
    private static let pauseMicroseconds: UInt32 = 50

    private let unmerger: Unmerger
    private let survey: UnmergeSurvey
    private let floor: MemoryFloor
    private var homes: [(process: MergedProcess, runs: HomeRuns)] = []
    /// Merged pages that are left to copy.
    private var left: UInt64
    private var preferred: Int?
    private var isToldForked = false

    init(_ unmerger: Unmerger, _ survey: UnmergeSurvey, _ floor: MemoryFloor) {
        self.unmerger = unmerger
        self.survey = survey
        self.floor = floor
        left = [Attribute.pages_shared, .pages_sharing].reduce(0) { $0 &+ (survey.sample.ksm.number($1) ?? 0) }
    }

    /// Copies all merged pages of all processes that have some.
    func copyAll() throws(UnmergeStop) {
        defer { prefer(nil) }
        let pages = survey.processes.reduce(0) { $0 &+ $1.rssKiB * 1024 / survey.pageSize }
        unmerger.progress.total = notesFirst ? 2 * pages : pages
        account.processes = UInt64(survey.processes.count)
        // What has only zero pages is walked through to know where they belong.
        let works = survey.processes.filter { survey.isNUMA || $0.mergingPages != 0 }.map { GuestCopy($0, survey) }
        if notesFirst {
            for work in works { try walk(work, withNodes: true, note) }
        }
        for work in works { try walk(work, withNodes: survey.isNUMA && !notesFirst, take) }
    }

    /// Whether where all pages belong has to be known before the first copy.
    ///
    /// Where a page that is mapped once passes for the guest's own, a merged page does so too when all other guests have
    /// their copies: the last guest would seem to belong where others' pages were kept.
    private var notesFirst: Bool { survey.isNUMA && survey.signal == .exclusive }

    private func walk(
        _ work: GuestCopy,
        withNodes: Bool,
        _ body: (PageBatch, GuestCopy) throws(CopyError) -> Void
    ) throws(UnmergeStop) {
        let process = work.process
        unmerger.tell(.copying, guest: process.name)
        defer { if withNodes { homes.append((process, work.runs)) } }
        var stop: UnmergeStop?
        do throws(SystemError) {
            let pages = try GuestPages(unmerger.root, pid: process.pid, startTicks: process.startTicks, survey.merged)
            // The zero page cannot be copied from here, but it is known then where the kernel's copies belong.
            let wanted: GuestPages.Wanted = withNodes ? .allAndZero : survey.isNUMA ? .all : .merged
            try pages.forEachBatch(wanted, withNodes: withNodes) { (batch) throws(SystemError) in
                // The copies are made by pid: it must still be this guest's.
                try pages.check()
                do throws(CopyError) {
                    try body(batch, work)
                    return true
                } catch {
                    switch error {
                    case .system(let cause): throw cause
                    case .stop(let cause): stop = cause
                    }
                    return false
                }
            }
        } catch {
            // A guest that has ended has no pages to copy; anything else is left to the kernel, and said.
            if !error.isAbsent, error.errno != ESRCH {
                account.remarks.append("\(error), so the kernel itself copies the pages of \(process.name)")
            }
        }
        if let stop { throw stop }
    }

    /// Only notes where the pages of a batch belong.
    private func note(_ batch: PageBatch, _ work: GuestCopy) throws(CopyError) {
        do throws(UnmergeStop) { try unmerger.checkGoingOn() } catch { throw .stop(error) }
        _ = work.note(batch, runsLeft: runsLeft)
        unmerger.tell(.copying, done: unmerger.progress.done &+ UInt64(batch.count), guest: work.process.name)
    }

    private var runsLeft: Int { HomeRuns.limit - homes.reduce(0) { $0 + $1.runs.runs.count } }

    /// Copies the merged pages of a batch.
    private func take(_ batch: PageBatch, _ work: GuestCopy) throws(CopyError) {
        do throws(UnmergeStop) { try unmerger.checkGoingOn() } catch { throw .stop(error) }
        let targets = notesFirst ? work.noted(batch) : work.note(batch, runsLeft: runsLeft)
        for (node, pages) in work.sort(batch, by: targets) where isLeft { try copy(pages, to: node, work) }
        unmerger.tell(.copying, done: unmerger.progress.done &+ UInt64(batch.count), guest: work.process.name)
    }

    /// Whether there are merged pages yet.
    ///
    /// Where a page that is mapped more than once passes for merged, one that a guest shares with a forked child does so
    /// too, and its copy would be one that nobody has asked for: with as many copies as there were merged pages it ends.
    private var isLeft: Bool {
        if left == 0, survey.signal != .kpageflags, !isToldForked {
            isToldForked = true
            account.remarks.append(
                "guests share pages with children of their own, so the kernel itself copies some of the merged ones"
            )
        }
        return left > 0 || survey.signal == .kpageflags
    }

    /// Copies pages that belong on one node.
    private func copy(_ batch: GuestCopy.Batch, to node: Int32, _ work: GuestCopy) throws(CopyError) {
        let kib = UInt64(batch.addresses.count) * survey.pageSize / 1024
        let place: Int?
        do throws(UnmergeStop) {
            try floor.check()
            try work.checkCgroup(kib)
            place = floor.node(for: Int(node), kib: kib)
            // Where memory is bound (mbind), the copies go there nevertheless.
            if place != Int(node) { try floor.checkSpilled(Int(node)) }
        } catch { throw .stop(error) }
        guard let place else {
            throw .stop(UnmergeStop(.aborted, "no node has room for more copies with its reserve"))
        }
        prefer(place)
        do throws(SystemError) { try unshare(batch.addresses, of: work.process) } catch { throw .system(error) }
        account.copied[place, default: 0] &+= batch.merged
        left -= min(left, batch.merged)
    }

    /// Reads the pages; one that has gone since is passed over.
    private func unshare(_ addresses: [UInt], of process: MergedProcess) throws(SystemError) {
        var start = 0
        while start < addresses.count {
            let done = addresses.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map {
                    ksmd_unshare_pages(process.pid, $0 + start, min(buffer.count - start, PageCopier.pagesAtATime))
                } ?? 0
            }
            usleep(PageCopier.pauseMicroseconds)
            if done < 0, done != -Int(EFAULT) {
                throw SystemError(operation: "read pages of", path: "process \(process.pid)", errno: Int32(-done))
            }
            start += done > 0 ? done : 1
        }
    }

    private func prefer(_ node: Int?) {
        guard survey.isNUMA, preferred != node else { return }
        preferred = ksmd_prefer_node(Int32(node ?? -1)) == 0 ? node : nil
    }

    // MARK: Afterwards

    /// Looks whether every page lies where it belongs, and moves what does not.
    ///
    /// What the child that wrote 2 has copied lies anywhere: pages that came back from a swap, zero pages, and all of
    /// them on kernels where this process can make no copies. Everything asked for is done by now: a stop only leaves
    /// pages where they are, and that is said.
    func bringHome() {
        guard survey.isNUMA else { return }
        do throws(UnmergeStop) {
            try bringAllHome()
        } catch {
            account.remarks.append("\(error.sentence), so pages may lie on other nodes than where they belong")
        }
        tellOutOfReach()
    }

    private func bringAllHome() throws(UnmergeStop) {
        for (process, runs) in homes {
            unmerger.tell(.homing, guest: process.name)
            account.unseen &+= runs.dropped
            var bringer = HomeBringer(
                root: unmerger.root,
                process: process,
                pageSize: survey.pageSize,
                reachable: survey.reachable,
                floor: floor,
                account: account
            )
            defer { account = bringer.account }
            for run in runs.runs {
                try unmerger.checkGoingOn()
                do {
                    try bringer.bring(run)
                } catch {
                    if !error.isAbsent, error.errno != ESRCH, error.errno != EINVAL {
                        bringer.account.remarks.append(error.description)
                    }
                    break
                }
            }
        }
    }

    private func tellOutOfReach() {
        for (node, pages) in account.outOfReach.sorted(by: { $0.key < $1.key }) {
            let size = Human.size(pages &* survey.pageSize)
            account.remarks.append(
                "\(size) that belong on node \(node) lie elsewhere: node \(node) is out of reach of this process (its "
                    + "cpuset.mems)"
            )
        }
    }
}

/// Why a copy was not made: the work ends, or only this process is left out.
private enum CopyError: Error {
    case stop(UnmergeStop)
    case system(SystemError)
}
