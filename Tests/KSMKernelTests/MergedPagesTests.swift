import KSMModel
import Testing

@testable import KSMKernel

@Suite("What tells merged pages from others is tried first")
struct MergedPagesTests {
    private static let own = PageMapEntry(bits: 0x8100_0000_0040_7e69)
    private static let zero = PageMapEntry(bits: 0x8000_0000_0000_3b34)
    /// As 6.18 has them: uptodate, lru, mmap, anon, swapbacked; and the zero page's.
    private static let plainFlags: UInt64 = 0x4_0000_5828
    private static let zeroFlags: UInt64 = 0x1_0100_0000

    @Test("An entry's bits are those of the kernel's documentation")
    func bits() {
        #expect(Self.own.isPresent && Self.own.isExclusive && Self.own.isResidentAnonymous)
        #expect(Self.own.frame == 0x40_7e69)
        #expect(Self.zero.isPresent && !Self.zero.isExclusive)
        #expect(!PageMapEntry(bits: 0).isResidentAnonymous)
        #expect(!PageMapEntry(bits: 0x4000_0000_0000_0001).isResidentAnonymous)  // in swap
        #expect(!PageMapEntry(bits: 0xa100_0000_0000_0001).isResidentAnonymous)  // of a file
        #expect(PageMapEntry(bits: .max).frame == 0x7f_ffff_ffff_ffff)
    }

    @Test("Flags that are right are used")
    func flags() {
        let trial = MergedPages.judge(own: Self.own, zero: Self.zero, Self.plainFlags, Self.zeroFlags)
        #expect(trial == MergedPages.Trial(signal: .kpageflags, flagsWork: true))
    }

    @Test("Flags that call a plain page merged are not used, but know the zero page")
    func lying() {
        let trial = MergedPages.judge(own: Self.own, zero: Self.zero, Self.plainFlags | 1 << 21, Self.zeroFlags)
        #expect(trial == MergedPages.Trial(signal: .exclusive, flagsWork: true))
    }

    @Test("Without frame numbers the page that is mapped once tells")
    func noFlags() {
        let trial = MergedPages.judge(own: Self.own, zero: Self.zero, nil, nil)
        #expect(trial == MergedPages.Trial(signal: .exclusive, flagsWork: false))
    }

    @Test("Flags of something else are not used")
    func otherFlags() {
        let trial = MergedPages.judge(own: Self.own, zero: Self.zero, 0, 0)
        #expect(trial == MergedPages.Trial(signal: .exclusive, flagsWork: false))
    }

    @Test("A kernel in which no bit tells the truth has no signal")
    func none() {
        let shared = PageMapEntry(bits: Self.own.bits & ~(1 << 56))
        let exclusiveZero = PageMapEntry(bits: Self.zero.bits | 1 << 56)
        #expect(MergedPages.judge(own: shared, zero: Self.zero, nil, nil).signal == nil)
        #expect(MergedPages.judge(own: Self.own, zero: exclusiveZero, nil, nil).signal == nil)
        #expect(MergedPages.judge(own: PageMapEntry(bits: 0), zero: Self.zero, nil, nil).signal == nil)
    }

    @Test("Without a signal nothing is merged")
    func noSignal() throws {
        let kinds = try tell([Self.own, Self.zero, PageMapEntry(bits: 0)], MergedPages(try KernelRoot(), signal: nil))
        #expect(kinds == [.own, .own, .none])
    }

    @Test("By the exclusive bit")
    func exclusive() throws {
        let merged = PageMapEntry(bits: Self.own.bits & ~(1 << 56))
        let kinds = try tell(
            [Self.own, merged, PageMapEntry(bits: 0)],
            MergedPages(try KernelRoot(), signal: .exclusive)
        )
        #expect(kinds == [.own, .merged, .none])
    }

    private func tell(_ entries: [PageMapEntry], _ merged: MergedPages) throws -> [PageKind] {
        let kinds = UnsafeMutableBufferPointer<PageKind>.allocate(capacity: entries.count)
        defer { kinds.deallocate() }
        entries.withUnsafeBufferPointer { merged.tell($0, into: kinds) }
        return Array(kinds)
    }
}
