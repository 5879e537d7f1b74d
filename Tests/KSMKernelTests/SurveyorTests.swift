import Foundation
import Glibc
import KSMModel
import KSMTestSupport
import KSMText
import Testing

@testable import KSMKernel

/// Memory of this process, filled page by page.
private final class Memory {
    static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    let start: UnsafeMutableRawPointer
    let pages: Int

    init(pages: Int, isMergeable: Bool = true) throws {
        self.pages = pages
        let start = mmap(nil, pages * Memory.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        self.start = try #require(start != MAP_FAILED ? start : nil)
        madvise(start, pages * Memory.page, 15)  // MADV_NOHUGEPAGE
        if isMergeable { madvise(start, pages * Memory.page, 12) }  // MADV_MERGEABLE
    }

    deinit { munmap(start, pages * Memory.page) }

    /// Fills a page: equal to all that have the same number.
    func fill(_ index: Int, _ number: UInt64) {
        let page = start + index * Memory.page
        for word in stride(from: 0, to: Memory.page, by: 8) {
            page.storeBytes(
                of: (number &+ 1) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(word),
                toByteOffset: word,
                as: UInt64.self
            )
        }
    }

    /// Reads a page that was never written: the zero page.
    func read(_ index: Int) -> UInt8 { (start + index * Memory.page).load(as: UInt8.self) }

    func contains(_ address: UInt64) -> Bool {
        let first = UInt64(UInt(bitPattern: start))
        return (first..<first + UInt64(pages * Memory.page)).contains(address)
    }
}

/// What this process' memory is filled with.
private enum Workload: String, CaseIterable, CustomTestStringConvertible {
    /// A half in which all pages are equal, a half in which none are.
    case halves
    /// Every other page: what falls in step with a fixed distance between samples.
    case alternating
    /// A quarter in runs of 37 pages, among pages that were never touched or only read.
    case sparse

    var testDescription: String { rawValue }

    /// - Returns: how many pages can be merged.
    func fill(_ memory: Memory) -> Int {
        var equal = 0
        for index in 0..<memory.pages {
            switch self {
            case .sparse where index / 37 % 4 == 1: _ = memory.read(index)
            case .sparse where index / 37 % 4 > 1: continue
            case .halves where index < memory.pages / 2, .alternating where index % 2 == 0,
                .sparse where index % 3 == 0:
                memory.fill(index, 0)
                equal += 1
            default: memory.fill(index, UInt64(index) + 1)
            }
        }
        return equal
    }
}

extension GuestPlacement {
    fileprivate var mergedPages: UInt64 { merged.values.reduce(0, +) }
    fileprivate var ownPages: UInt64 { own.values.reduce(0, +) }
    /// In percent.
    fileprivate var mergedShare: Double { 100 * Double(mergedPages) / Double(max(1, mergedPages + ownPages)) }
}

private let mayLook = geteuid() == 0 && LiveKernel.isAvailable

@Suite("Where this process' memory lies, on this kernel", .serialized, .enabled("needs root and KSM") { mayLook })
struct SurveyorTests {
    private let root: KernelRoot
    private let me = SurveyedGuest(pid: getpid())

    init() throws { root = try KernelRoot() }

    /// Starts the scanner and waits until `pages` of this process are merged.
    private func merge(_ kernel: LiveKernel, _ pages: Int) throws {
        for (attribute, value) in [(Attribute.pages_to_scan, "100000"), (.sleep_millisecs, "1"), (.smart_scan, "0")] {
            kernel.set(attribute, value)
        }
        kernel.set(.run, "1")
        try #require(eventually(30) { mergingPages() >= UInt64(pages) })
        kernel.set(.run, "0")
    }

    private func mergingPages() -> UInt64 {
        let text = (try? String(contentsOfFile: "/proc/self/ksm_merging_pages", encoding: .utf8)) ?? ""
        return UInt64(text.dropLast()) ?? 0
    }

    private func unsharings() -> String? {
        let text = try? String(contentsOfFile: "/proc/vmstat", encoding: .utf8)
        return text?.split(separator: "\n").first { $0.hasPrefix("cow_ksm") }.map(String.init)
    }

    private func full() -> SurveyBudget {
        var budget = SurveyBudget()
        budget.isFull = true
        return budget
    }

    @Test(
        "The sampled share of merged pages is within 3 points of the full count, which is the kernel's",
        arguments: Workload.allCases,
        [MergedSignal.kpageflags, .exclusive]
    )
    private func share(_ workload: Workload, _ signal: MergedSignal) throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let memory = try Memory(pages: 32_768)
        let equal = workload.fill(memory)
        try merge(kernel, equal)
        let before = unsharings()

        let merged = MergedPages(root, signal: signal)
        let count = Surveyor(root, merged).survey([me], full())
        let whole = try #require(count.guests.first)
        #expect(count.problems.isEmpty && count.signal == signal && whole.step == 1)
        // Of the test's own memory some pages may be shared with what it has forked; none are merged.
        #expect(whole.mergedPages >= UInt64(equal) && whole.mergedPages <= UInt64(equal) + 64)

        for seed in 0..<5 {
            // Odd and even steps: a fixed distance between samples would show with the even ones.
            var budget = SurveyBudget()
            budget.setPerGuest(4096 - 300 * UInt64(seed))
            let survey = Surveyor(root, merged, seed: UInt64(seed)).survey([me], budget)
            let sampled = try #require(survey.guests.first)
            #expect(sampled.step > 4)
            let pages = sampled.mergedPages + sampled.ownPages
            #expect(pages > 1000 && pages <= 4400)
            #expect(abs(sampled.mergedShare - whole.mergedShare) <= 3, "\(sampled.mergedShare) \(whole.mergedShare)")
            // What one sample stands for gives the size.
            let ratio = Double(pages) * sampled.step / Double(whole.mergedPages + whole.ownPages)
            #expect(0.9 < ratio && ratio < 1.1)
        }
        #expect(unsharings() == before)
        #expect(mergingPages() >= UInt64(equal))
    }

    @Test("Page by page: each is what it is, also those with the node asked for", arguments: [false, true])
    func pages(_ withNodes: Bool) throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let memory = try Memory(pages: 4096)
        let equal = Workload.sparse.fill(memory)
        try merge(kernel, equal)
        let merged = MergedPages(root)
        let guest = try GuestPages(root, pid: getpid(), startTicks: 0, merged)
        var found: [UInt64: Bool?] = [:]
        try guest.forEachBatch(withNodes: withNodes) { batch throws(SystemError) in
            for (index, address) in batch.addresses.enumerated() where memory.contains(address) {
                found[address] = .some(batch.isMerged(index))
                if (batch.node(index) != nil) != withNodes { return false }
            }
            return true
        }
        let wanted = (0..<memory.pages).filter { $0 / 37 % 4 == 0 }
        #expect(found.count == wanted.count)
        for index in wanted {
            let address = UInt64(UInt(bitPattern: memory.start + index * Memory.page))
            #expect(found[address] == .some(merged.signal == nil ? nil : index % 3 == 0), "page \(index)")
        }
        var mergedOnly = 0
        try guest.forEachBatch(.merged) { batch throws(SystemError) in
            mergedOnly += batch.addresses.count { memory.contains($0) }
            return true
        }
        #expect(mergedOnly == equal)
    }

    @Test("The walk ends when it is told to")
    func stops() throws {
        let memory = try Memory(pages: 4096, isMergeable: false)
        for index in 0..<memory.pages { memory.fill(index, UInt64(index)) }
        let guest = try GuestPages(root, pid: getpid(), startTicks: 0, MergedPages(root))
        var batches = 0
        try guest.forEachBatch { _ throws(SystemError) in
            batches += 1
            return batches < 3
        }
        #expect(batches == 3)
    }

    @Test("On this kernel merged pages can be told from others")
    func signal() {
        #expect(MergedPages(root).signal != nil)
    }

    @Test("A guest that has gone, and one whose pid is another's now, is a problem told once")
    func gone() throws {
        let process = try Process.run(URL(filePath: "/bin/true"), arguments: [])
        process.waitUntilExit()
        let other = SurveyedGuest(pid: getpid(), startTicks: 1)
        let dead = SurveyedGuest(pid: process.processIdentifier)
        let merged = MergedPages(root)
        #expect(throws: SystemError.self) { try GuestPages(root, pid: getpid(), startTicks: 1, merged) }
        let survey = Surveyor(root, merged).survey([other, dead, me, other, other])
        #expect(survey.guests.map(\.pid) == [me.pid])
        #expect(survey.problems.count == 2)
        #expect(survey.problems.contains { $0.contains("(and the same for 2 more)") })
        #expect(try Survey.parse(Array(survey.text.utf8).span) == survey)
    }

    @Test("The budget is shared among guests")
    func budget() {
        var budget = SurveyBudget()
        #expect(budget.share(of: 0) == 4096 && budget.share(of: 16) == 4096 && budget.share(of: 100) == 655)
        #expect(budget.share(of: 100_000) == 64)
        budget.setPerGuest(10_000)
        #expect(budget.share(of: 100) == 10_000)
    }
}
