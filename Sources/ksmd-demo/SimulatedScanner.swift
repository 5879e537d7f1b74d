/// A model of the kernel's scanner: guests one after the other, page after page, pass after pass.
///
/// How often a page has been visited decides what is known about it: after the first visit its checksum, from the
/// second on it is merged, unique or still changing. Times per page are those of a real 6.18 on x86-64.
struct SimulatedScanner {
    /// What the counters of `/sys/kernel/mm/ksm` say.
    struct Counters {
        var shared = 0
        var sharing = 0
        var unshared = 0
        var changing = 0
    }

    /// Microseconds: a page seen first, a page that merges, a merged page, a unique page.
    private static let firstSight = 0.9, merge = 4.0, merged = 0.35, unique = 8.0
    /// `max_page_sharing` of the simulated kernel.
    static let sharingLimit = 256
    /// What the kernel adds to a sleep: up to a tick of 4 ms, and one more.
    private static let sleepExtra = 0.006

    let mix: GuestMix
    var guests: Int
    private(set) var passes = 0
    private(set) var pagesScanned = 0
    private(set) var cpuSeconds = 0.0
    private var cursor = 0
    /// Time that the next batch has to wait for.
    private var owed = 0.0

    init(mix: GuestMix, guests: Int) {
        self.mix = mix
        self.guests = guests
    }

    private var pages: Int { mix.pages * guests }

    /// What `run`=2 does.
    mutating func reset() {
        (passes, cursor) = (0, 0)
    }

    /// Guests have ended: a pass over nothing forgets them.
    mutating func forget() {
        guests = 0
        passes += 1
        cursor = 0
    }

    /// Scans for a span of time.
    mutating func advance(seconds: Double, pagesToScan: Int, sleepMilliseconds: Int) {
        guard pages > 0, pagesToScan > 0 else { return }
        owed += seconds
        let sleep = Double(sleepMilliseconds) / 1000 + SimulatedScanner.sleepExtra
        while owed > 0 {
            owed -= batch(pagesToScan) + sleep
        }
    }

    /// One batch; none goes over the end of a pass.
    /// - Returns: its CPU time in seconds.
    private mutating func batch(_ pagesToScan: Int) -> Double {
        let end = min(pages, cursor + min(pagesToScan, pages))
        var microseconds = 0.0
        forEachPart { start, length, kind in
            let hit = min(end, start + length) - max(cursor, start)
            if hit > 0 { microseconds += Double(hit) * cost(kind) }
        }
        pagesScanned += end - cursor
        cursor = end
        if cursor == pages { (passes, cursor) = (passes + 1, 0) }
        cpuSeconds += microseconds / 1_000_000
        return microseconds / 1_000_000
    }

    private enum Kind { case shared, zero, unique, changing }

    private func cost(_ kind: Kind) -> Double {
        if passes == 0 || kind == .changing { return SimulatedScanner.firstSight }
        if kind == .unique { return SimulatedScanner.unique }
        return passes == 1 ? SimulatedScanner.merge : SimulatedScanner.merged
    }

    /// The parts of all guests in the order in which they are scanned: first page, pages, kind.
    private func forEachPart(_ body: (Int, Int, Kind) -> Void) {
        for guest in 0..<guests {
            var start = guest * mix.pages
            let parts: [(Int, Kind)] = [
                (mix.sharedPages, .shared), (mix.zeroPages, .zero), (mix.uniquePages, .unique),
                (mix.changingPages, .changing),
            ]
            for (length, kind) in parts {
                body(start, length, kind)
                start += length
            }
        }
    }

    /// Pages of a part that have been visited at least `visits` times.
    private func visited(_ start: Int, _ length: Int, atLeast visits: Int) -> Int {
        if passes >= visits { return length }
        return passes == visits - 1 ? max(0, min(cursor - start, length)) : 0
    }

    /// Merged pages of each guest, as `ksm_merging_pages` counts them.
    var mergedPages: [Int] {
        let twice = sharedTwice
        // Page i is merged when two guests have come to it; the one that is ahead waits for the second.
        let second = twice.sorted(by: >).dropFirst().first ?? 0
        return (0..<guests).map { guest in
            min(twice[guest], second)
                + visited(guest * mix.pages + mix.sharedPages, mix.zeroPages, atLeast: 2)
        }
    }

    private var sharedTwice: [Int] {
        (0..<guests).map { visited($0 * mix.pages, mix.sharedPages, atLeast: 2) }
    }

    var counters: Counters {
        var result = Counters()
        var zeros = 0
        forEachPart { start, length, kind in
            let seen = visited(start, length, atLeast: 1)
            let twice = visited(start, length, atLeast: 2)
            if kind == .zero { zeros += twice }
            if kind == .unique { result.unshared += twice }
            result.changing += kind == .changing ? seen : seen - twice
        }
        let slots = mergedPages.reduce(0, +)
        let contents = sharedTwice.sorted(by: >).dropFirst().first ?? 0
        result.shared = contents + (zeros + SimulatedScanner.sharingLimit - 1) / SimulatedScanner.sharingLimit
        result.sharing = max(0, slots - result.shared)
        return result
    }
}
