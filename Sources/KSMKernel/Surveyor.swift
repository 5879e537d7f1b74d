import Glibc
package import KSMModel
import KSMText

/// How much a survey may look at.
package struct SurveyBudget: Equatable, Sendable {
    /// Pages in memory to sample of one guest: a share is then right within 1.6 points (95 % of the time).
    package var perGuest = 4096
    /// Of all guests together: 16 times that.
    package var total = 65_536
    /// Every page is looked at.
    package var isFull = false

    package init() {}

    /// As many pages of each guest, whatever the sum.
    package mutating func setPerGuest(_ samples: UInt64) {
        perGuest = Int(clamping: samples)
        total = .max
    }

    /// Pages of each of `guests`; below 64 a guest's share would be a guess.
    func share(of guests: Int) -> UInt64 { UInt64(max(64, min(perGuest, total / max(1, guests)))) }
}

/// Looks where the guests' memory lies and which of it is merged, from outside: nothing is faulted in, read or
/// un-shared.
///
/// It waits, in places unkillably, for the guests' mmap locks: it runs in a process of its own (`ksmd --survey`).
package final class Surveyor {
    /// Address space looked at for each page found, at most: one that is mostly empty is sampled more thinly.
    ///
    /// 16 is ksmd's choice: a guest that uses a sixteenth of its memory still gets all its samples.
    static let sparseness: UInt64 = 16

    private let root: KernelRoot
    private let merged: MergedPages
    private var random: SplitMix64
    private let batch: PageBatch
    private let sampled: UnsafeMutableBufferPointer<PageMapEntry>
    private let addresses: UnsafeMutableBufferPointer<UInt64>
    private var pending = 0

    /// - Parameter seed: of the places that are looked at.
    package init(_ root: KernelRoot, _ merged: MergedPages, seed: UInt64 = Clock.monotonicNanoseconds()) {
        self.root = root
        self.merged = merged
        random = SplitMix64(state: seed)
        batch = PageBatch(capacity: PageMap.chunk, knowsMerged: merged.signal != nil)
        sampled = .allocate(capacity: PageMap.chunk)
        addresses = .allocate(capacity: PageMap.chunk)
    }

    deinit {
        sampled.deallocate()
        addresses.deallocate()
    }

    /// Looks at each guest.
    ///
    /// One that cannot be looked at is left out and told of, once for each cause.
    package func survey(_ guests: [SurveyedGuest], _ budget: SurveyBudget = SurveyBudget()) -> Survey {
        var survey = Survey(monotonicNanoseconds: 0, cpuNanoseconds: 0, signal: merged.signal, guests: [])
        var failures: [(error: SystemError, guests: Int)] = []
        for guest in guests {
            do throws(SystemError) {
                survey.guests.append(try place(guest, budget, share: budget.share(of: guests.count)))
            } catch {
                let known = failures.firstIndex {
                    $0.error.errno == error.errno && $0.error.operation == error.operation
                }
                if let known { failures[known].guests += 1 } else { failures.append((error, 1)) }
            }
        }
        survey.problems = failures.map { error, guests in
            "\(error)\(guests > 1 ? " (and the same for \(guests - 1) more)" : "")"
        }
        survey.cpuNanoseconds = Surveyor.processCPUNanoseconds()
        survey.monotonicNanoseconds = Clock.monotonicNanoseconds()
        return survey
    }

    /// CPU time of this process since it started its program.
    private static func processCPUNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(max(0, time.tv_nsec))
    }

    // MARK: One guest

    private func place(_ guest: SurveyedGuest, _ budget: SurveyBudget, share: UInt64) throws(SystemError)
        -> GuestPlacement
    {
        let pages = try GuestPages(root, pid: guest.pid, startTicks: guest.startTicks, merged)
        let areas = try pages.sampledAreas()
        let step = budget.isFull ? 1 : Surveyor.step(areas, resident: try pages.memory().residentPages, share)
        var placement = GuestPlacement(pid: guest.pid, startTicks: pages.startTicks)
        placement.step = Double(step)
        pending = 0
        try walk(pages, areas, step, &placement)
        try flush(pages, &placement)
        try pages.check()
        return placement
    }

    /// How many pages there are for each one looked at.
    private static func step(_ areas: [MemoryArea], resident: UInt64, _ share: UInt64) -> UInt64 {
        let mapped = areas.reduce(0) { $0 &+ $1.size / GuestDirectory.pageSize }
        return max(1, min(resident, mapped).dividedUp(by: share), mapped.dividedUp(by: share * sparseness))
    }

    /// Looks at one page of each `step`, whichever: a fixed distance would fall in step with what repeats in memory.
    private func walk(
        _ pages: GuestPages,
        _ areas: [MemoryArea],
        _ step: UInt64,
        _ placement: inout GuestPlacement
    ) throws(SystemError) {
        // Pages are numbered through all areas.
        var cell: UInt64 = 0
        var next = random.below(step)
        var base: UInt64 = 0
        let window = EntryWindow(step: step)
        for area in areas {
            let first = area.start / GuestDirectory.pageSize
            let end = base + area.size / GuestDirectory.pageSize
            while next < end {
                let page = first + (next - base)
                let entry = try window.entry(page, before: first + (end - base), of: pages)
                if entry.isResidentAnonymous { try take(page, entry, pages, &placement) }
                cell += step
                next = cell + random.below(step)
            }
            base = end
        }
    }

    private func take(
        _ page: UInt64,
        _ entry: PageMapEntry,
        _ pages: GuestPages,
        _ placement: inout GuestPlacement
    ) throws(SystemError) {
        sampled[pending] = entry
        addresses[pending] = page * GuestDirectory.pageSize
        pending += 1
        if pending == sampled.count { try flush(pages, &placement) }
    }

    /// Sorts what was sampled.
    private func flush(_ pages: GuestPages, _ placement: inout GuestPlacement) throws(SystemError) {
        batch.fill(UnsafeBufferPointer(rebasing: sampled[..<pending]), merged, takesOwn: true) { addresses[$0] }
        pending = 0
        guard batch.count > 0 else { return }
        try batch.findNodes(pid: pages.pid)
        for index in 0..<batch.count {
            guard let node = batch.node(index) else { continue }
            if batch.isMerged(index) == true {
                placement.merged[node, default: 0] += 1
            } else {
                placement.own[node, default: 0] += 1
            }
        }
    }
}

/// Entries of a page map that are asked for one by one, ascending, and read in chunks where they lie close.
private final class EntryWindow {
    /// Steps below this are read in whole chunks: 512 entries at once cost as much as 16 alone (21 and 1.3 µs on 6.18).
    static let singleStep: UInt64 = 32

    private let entries: UnsafeMutableBufferPointer<PageMapEntry>
    private var pages: Range<UInt64> = 0..<0

    init(step: UInt64) {
        entries = .allocate(capacity: step < EntryWindow.singleStep ? PageMap.chunk : 1)
    }

    deinit {
        entries.deallocate()
    }

    /// The entry of `page`; one that says nothing where there is none.
    func entry(_ page: UInt64, before end: UInt64, of guest: GuestPages) throws(SystemError) -> PageMapEntry {
        if !pages.contains(page) {
            let count = try guest.read(page, before: end, into: entries)
            pages = page..<page + UInt64(count)
        }
        return pages.contains(page) ? entries[Int(page - pages.lowerBound)] : PageMapEntry(bits: 0)
    }
}

/// Numbers that look random (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix64 {
    var state: UInt64

    /// Below `bound`, which is not 0; the error of the remainder is of no weight here.
    mutating func below(_ bound: UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return (mixed ^ mixed >> 31) % bound
    }
}

extension UInt64 {
    /// The quotient, rounded up.
    fileprivate func dividedUp(by divisor: UInt64) -> UInt64 { self / divisor + (self % divisor > 0 ? 1 : 0) }
}
