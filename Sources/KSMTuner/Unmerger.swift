import CLinux
import Glibc
package import KSMKernel
package import KSMModel
import KSMPolicy
import KSMReport
import KSMSystemd

/// Un-shares everything that is merged, when memory holds it, and changes `merge_across_nodes` while nothing is.
///
/// The only way in which anything of ksmd writes 2 to `run`. The scanner thread stands still meanwhile; every copy is
/// made onto the node where it belongs, with a look at what memory is left before each (`PageCopier`); then a child
/// writes 2, which finds little left to copy, lets go of the kernel's bookkeeping, and is killed when memory falls under
/// its floor or time is up. What was there before comes back in any case (`SavedState.unmergePath`).
package final class Unmerger {
    package struct Request {
        /// The scope to set while nothing is merged; `nil` only un-shares, and leaves `run` at 0.
        package var scope: MergeScope?
        /// Try it although the plan says that memory does not hold it.
        ///
        /// The floors stay: what is too much is broken off.
        package var force = false

        package init(scope: MergeScope?, force: Bool = false) {
            self.scope = scope
            self.force = force
        }
    }

    /// Where the work is.
    package enum Stage: String, CaseIterable {
        /// Waits for the scanner thread to end its batch.
        case settling
        /// Makes the copies.
        case copying
        /// The child writes 2.
        case unmerging
        /// Writes `merge_across_nodes`.
        case changing
        /// Moves what lies on the wrong node.
        case homing
    }

    package struct Progress {
        package var stage: Stage
        /// Pages looked at so far, of all that the merged processes have.
        package var done: UInt64
        package var total: UInt64
        /// The guest at work.
        package var guest: String?
        package var remainingMilliseconds: UInt64?
    }

    package enum Outcome: String {
        case done
        /// It was so already.
        case unchanged
        /// Memory does not hold it; nothing was touched.
        case refused
        /// Broken off: memory fell under its floor, time was up, or somebody asked for it.
        case aborted
        case failed
    }

    package struct Result {
        package var outcome: Outcome
        /// One sentence with the numbers.
        package var sentence: String
        package var plan: UnmergePlan
        /// What the work brought, as far as it came.
        package var account = CopyAccount()
        package var milliseconds: UInt64 = 0
        /// All settings but what was asked for are as they were found.
        package var isRestored = true
        package var entries: [JournalEntry] = []
    }

    /// How long the scanner thread may take to end its batch: 200,000 pages, more than anybody sets, take seconds.
    static let settleMilliseconds: UInt64 = 60_000
    /// The batch while waiting for the lock of `run`: the kernel's default, milliseconds of work.
    static let shortBatch = 100
    /// EBUSY after un-sharing is mostly a process that is just ending (numa.md), which a large one does for seconds: each
    /// wait is twice the one before, 24 s in all.
    static let attempts = 16
    static let longestWaitMicroseconds: UInt32 = 2_000_000

    /// What all of it may take: twenty times the plan, whose figures are of one machine, and five minutes.
    static func limitNanoseconds(_ plan: UnmergePlan) -> UInt64 {
        let milliseconds = plan.totalMilliseconds.multipliedReportingOverflow(by: 20)
        return min(milliseconds.overflow ? .max : milliseconds.partialValue, 86_400_000) * 1_000_000 + 300_000_000_000
    }

    let root: KernelRoot
    let sampler: Sampler
    let settings: Settings
    let slow: SlowWriter
    var sysfs: KSMSysfs { sampler.ksm }
    private let isCancelled: () -> Bool
    private let report: (Progress) -> Void
    /// CLOCK_MONOTONIC when time is up; `nil` before there is a plan.
    var deadline: UInt64?
    var progress = Progress(stage: .settling, done: 0, total: 0)

    /// - Parameters:
    ///   - isCancelled: asked every few milliseconds; `true` breaks off and puts everything back.
    ///   - progress: called at each step.
    package init(
        _ root: KernelRoot,
        _ settings: Settings,
        isCancelled: @escaping () -> Bool = { false },
        progress: @escaping (Progress) -> Void = { _ in }
    ) {
        self.root = root
        self.settings = settings
        sampler = Sampler(root, settings)
        slow = SlowWriter(sampler.ksm)
        self.isCancelled = isCancelled
        report = progress
    }

    func tell(_ stage: Stage, done: UInt64? = nil, guest: String? = nil) {
        progress.stage = stage
        if let done { progress.done = done }
        progress.guest = guest
        report(progress)
    }

    // MARK: The whole

    /// What it would take, without doing anything.
    package func plan() -> UnmergePlan { UnmergeSurvey.look(self).plan }

    /// Does it.
    ///
    /// - Parameter request: with a scope that is set already nothing is un-shared.
    package func run(_ request: Request) -> Result {
        let start = Clock.monotonicNanoseconds()
        var problems: [String] = []
        let before = sysfs.readAll(problems: &problems).savedBytes(pageSize: GuestDirectory.pageSize)
        var result = Result(
            outcome: .failed,
            sentence: "",
            plan: UnmergePlan(pages: 0, needs: [], stallMilliseconds: 0, totalMilliseconds: 0)
        )
        do {
            try work(request, &result)
        } catch {
            (result.outcome, result.sentence) = (error.outcome, error.sentence)
        }
        result.milliseconds = (Clock.monotonicNanoseconds() &- start) / 1_000_000
        result.entries.append(UnmergeTeller.entry(request, result, sampler.sample(), savedBefore: before))
        return result
    }

    private func work(_ request: Request, _ result: inout Result) throws(UnmergeStop) {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        let saved = try savedState()
        guard try !isInPlace(request) else {
            // One that was killed has left something to put back.
            if saved.settings.hasOurs { restore(saved, keepStopped: request.scope == nil, &result) }
            result.outcome = .unchanged
            result.sentence = UnmergeTeller.inPlace(request)
            return
        }
        var failure: UnmergeStop?
        do {
            try checkPause()
            try settle(saved)
            let survey = UnmergeSurvey.look(self)
            result.plan = survey.plan
            try checkPlan(survey.plan, request)
            deadline = Clock.monotonicNanoseconds() &+ Unmerger.limitNanoseconds(survey.plan)
            try unshare(request, survey, &result.account)
        } catch {
            failure = error
        }
        try putBack(saved, request, failure, &result)
    }

    /// A pause promises that nothing is un-shared.
    private func checkPause() throws(UnmergeStop) {
        guard let pause = Hold.read(root, .pause) else { return }
        throw UnmergeStop(.refused, "KSM is paused: \(pause.sentence)")
    }

    private func takeLock() throws(UnmergeStop) -> UnmergeLock {
        do {
            // The daemon shares the lock for as long as a write of its own takes.
            return try UnmergeLock.wait(root, milliseconds: Unmerger.settleMilliseconds, isCancelled: isCancelled)
        } catch {
            if error.errno == EINTR { throw UnmergeStop(.aborted, "interrupted") }
            guard error.errno == EWOULDBLOCK else { throw UnmergeStop(.failed, error.description) }
            throw UnmergeStop(.failed, "somebody else is un-sharing: \(UnmergeLock.path) is held")
        }
    }

    private func isIdle() throws(UnmergeStop) -> Bool {
        let merged = try places()
        let run = try runs()
        return merged == 0 && run == 0
    }

    /// Pages of all processes that are backed by merged memory.
    ///
    /// Places of pages, as the kernel counts them; before 6.6 without zero pages.
    private func places() throws(UnmergeStop) -> UInt64 {
        var sum: UInt64 = 0
        for attribute in [Attribute.pages_shared, .pages_sharing, .ksm_zero_pages] { sum &+= try number(attribute) }
        return sum
    }

    /// Whether there is nothing to do.
    private func isInPlace(_ request: Request) throws(UnmergeStop) -> Bool {
        guard let scope = request.scope else { return try isIdle() }
        guard let value = try read(.merge_across_nodes)?.unsignedValue else {
            throw UnmergeStop(.failed, "this kernel has no merge_across_nodes (CONFIG_NUMA is off)")
        }
        return MergeScope(value: value) == scope
    }

    private func savedState() throws(UnmergeStop) -> SavedState {
        var unread: [String] = []
        let current = sysfs.readAll(problems: &unread)
        do {
            return try SavedState(root, current: current, isDryRun: false, path: SavedState.unmergePath)
        } catch {
            throw UnmergeStop(.failed, "\(error); \(error.consequence)")
        }
    }

    private func checkPlan(_ plan: UnmergePlan, _ request: Request) throws(UnmergeStop) {
        guard !plan.unmet.isEmpty, !request.force else { return }
        let sentences = plan.unmet.map { UnmergePlanner.sentence(for: $0) }
        throw UnmergeStop(.refused, "memory does not hold it: \(sentences.joined(separator: "; "))")
    }

    /// Everything between a scanner that stands still and one that may go on.
    private func unshare(_ request: Request, _ survey: UnmergeSurvey, _ account: inout CopyAccount)
        throws(UnmergeStop)
    {
        let floor = MemoryFloor(sampler, reachable: survey.reachable, groups: survey.watched)
        let merged = try places()
        if merged > 0 || request.scope == nil {
            let copier = PageCopier(self, survey, floor)
            defer {
                account = copier.account
                account.unshared = merged - min(merged, (try? places()) ?? merged)
            }
            try copier.copyAll()
            try writeTwo(floor)
            try change(request.scope)
            copier.bringHome()
        } else {
            try change(request.scope)
        }
    }

    private func putBack(
        _ saved: SavedState,
        _ request: Request,
        _ failure: UnmergeStop?,
        _ result: inout Result
    ) throws(UnmergeStop) {
        restore(saved, keepStopped: failure == nil && request.scope == nil, &result)
        if let failure { throw failure }
        result.outcome = .done
        result.sentence = UnmergeTeller.done(request, result)
    }

    private func restore(_ saved: SavedState, keepStopped: Bool, _ result: inout Result) {
        // Somebody may have said `ksmctl stop` meanwhile.
        let isHeld = Hold.read(root) != nil
        let restorer = Restorer(
            sysfs,
            saved,
            slow,
            isLive: true,
            keepStopped: keepStopped || isHeld,
            isHeld: false
        )
        restorer.run(milliseconds: Int32(Unmerger.settleMilliseconds))
        if let trouble = restorer.conclude(), trouble.priority == .warning { result.entries.append(trouble) }
        result.isRestored = restorer.succeeded
    }

    // MARK: Stops

    /// Breaks off when somebody asks for it or time is up.
    func checkGoingOn() throws(UnmergeStop) {
        if isCancelled() { throw UnmergeStop(.aborted, "interrupted") }
        if let pause = Hold.read(root, .pause) { throw UnmergeStop(.aborted, "KSM is paused: \(pause.sentence)") }
        guard let deadline, Clock.monotonicNanoseconds() > deadline else { return }
        throw UnmergeStop(.aborted, "it takes much longer than planned, so it was given up")
    }
}

/// Why the work ends early.
struct UnmergeStop: Error {
    var outcome: Unmerger.Outcome
    var sentence: String

    init(_ outcome: Unmerger.Outcome, _ sentence: String) {
        self.outcome = outcome
        self.sentence = sentence
    }
}
