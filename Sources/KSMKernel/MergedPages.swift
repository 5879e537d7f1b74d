import Glibc
package import KSMModel

/// What a page of a guest is.
package enum PageKind: UInt8, Sendable {
    /// Not in memory, or not the guest's own: in swap, of a file, never touched.
    case none
    case own
    case merged
    /// The kernel's page of zeros, shared by everybody and no memory of the guest's.
    case zero
}

/// Tells merged pages from others in a page map, by what was found at start to tell the truth on this kernel.
///
/// `kpageflags` knows them for certain. Where it is of no use (6.12 as in Debian 13 marks every anonymous page as merged;
/// without CAP_SYS_ADMIN there are no frame numbers) a page that is mapped more than once counts as merged: that is also
/// so for the pages a process shares with one it forked, and a merged page whose other sharers have gone looks like the
/// guest's own.
package final class MergedPages {
    /// `nil` where merged pages cannot be told from others: then no page counts as merged.
    package let signal: MergedSignal?
    /// Whether the zero page is known here; otherwise only the query for its node (-EFAULT) gives it away.
    let knowsZero: Bool
    private let flags: PageFlags?
    private let room: UnsafeMutableBufferPointer<UInt64>

    /// Tries what works, with two pages of this process' own; on a recorded machine nothing does.
    package init(_ root: KernelRoot) {
        room = .allocate(capacity: PageMap.chunk)
        let trial = root.isLive ? MergedPages.trial(root) : Trial()
        flags = trial.flagsWork ? try? PageFlags(root) : nil
        signal = trial.signal
        knowsZero = trial.flagsWork
    }

    /// With a signal that is given: for tests of the weaker one.
    init(_ root: KernelRoot, signal: MergedSignal?) {
        room = .allocate(capacity: PageMap.chunk)
        flags = signal == .kpageflags ? try? PageFlags(root) : nil
        self.signal = signal
        knowsZero = signal == .kpageflags
    }

    deinit {
        room.deallocate()
    }

    // MARK: Telling

    /// What the pages are, in the order of their entries.
    /// - Parameter kinds: at least as long as `entries`.
    package func tell(
        _ entries: UnsafeBufferPointer<PageMapEntry>,
        into kinds: UnsafeMutableBufferPointer<PageKind>
    ) {
        precondition(kinds.count >= entries.count)
        if flags != nil { return tellByFlags(entries, kinds) }
        for index in 0..<entries.count {
            let entry = entries[index]
            let isMerged = signal == .exclusive && !entry.isExclusive
            kinds[index] = !entry.isResidentAnonymous ? .none : isMerged ? .merged : .own
        }
    }

    /// Frames that follow each other, as they mostly do, are read at once, and a merged one that returns is not read
    /// again.
    private func tellByFlags(
        _ entries: UnsafeBufferPointer<PageMapEntry>,
        _ kinds: UnsafeMutableBufferPointer<PageKind>
    ) {
        var start = 0
        var lastMerged: UInt64?
        while start < entries.count {
            guard entries[start].isResidentAnonymous, entries[start].frame != lastMerged else {
                kinds[start] = entries[start].isResidentAnonymous ? .merged : .none
                start += 1
                continue
            }
            var end = start + 1
            while end < entries.count, joins(entries[end], entries[end - 1], since: entries[start]) { end += 1 }
            tellRun(entries, kinds, start..<end)
            if kinds[end - 1] == .merged { lastMerged = entries[end - 1].frame }
            start = end
        }
    }

    /// Whether the frame of an entry is read with those before: up to three frames of others between cost less than a
    /// call of its own (90 and 300 ns on 6.18).
    private func joins(_ entry: PageMapEntry, _ before: PageMapEntry, since first: PageMapEntry) -> Bool {
        entry.isResidentAnonymous && 1...4 ~= entry.frame &- before.frame
            && entry.frame - first.frame < UInt64(room.count)
    }

    /// A frame that has no flags (it went meanwhile) counts as the guest's own.
    private func tellRun(
        _ entries: UnsafeBufferPointer<PageMapEntry>,
        _ kinds: UnsafeMutableBufferPointer<PageKind>,
        _ run: Range<Int>
    ) {
        let first = entries[run.lowerBound].frame
        let wanted = Int(entries[run.upperBound - 1].frame - first) + 1
        let count = flags?.read(frame: first, into: UnsafeMutableBufferPointer(rebasing: room[..<wanted])) ?? 0
        for index in run {
            let offset = Int(entries[index].frame - first)
            let bits = offset < count ? room[offset] : 0
            if bits & PageFlags.zero != 0 {
                kinds[index] = .zero
            } else if signal == .kpageflags {
                kinds[index] = bits & PageFlags.merged != 0 ? .merged : .own
            } else {
                kinds[index] = signal == .exclusive && !entries[index].isExclusive ? .merged : .own
            }
        }
    }

    // MARK: The trial

    struct Trial: Equatable {
        var signal: MergedSignal?
        /// Whether frame numbers are to be had and their flags are right about the zero page.
        var flagsWork = false
    }

    /// One page that is written is this process' alone; one that is only read is the zero page.
    private static func trial(_ root: KernelRoot) -> Trial {
        let size = Int(GuestDirectory.pageSize)
        guard let map = try? PageMap(root, pid: nil),
            let memory = mmap(nil, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { return Trial() }
        defer { munmap(memory, 2 * size) }
        memory.storeBytes(of: 0x6b, as: UInt8.self)
        guard memory.load(fromByteOffset: size, as: UInt8.self) == 0 else { return Trial() }
        return withUnsafeTemporaryAllocation(of: PageMapEntry.self, capacity: 2) { entries in
            let page = UInt64(UInt(bitPattern: memory)) / UInt64(size)
            guard (try? map.read(page: page, into: entries)) == 2 else { return Trial() }
            return judge(own: entries[0], zero: entries[1], flags(root, entries[0]), flags(root, entries[1]))
        }
    }

    /// What the two pages' entries and flags show; `nil` where the flags cannot be had.
    static func judge(own: PageMapEntry, zero: PageMapEntry, _ ownFlags: UInt64?, _ zeroFlags: UInt64?)
        -> Trial
    {
        guard own.isResidentAnonymous else { return Trial() }
        var trial = Trial()
        if let ownFlags, let zeroFlags {
            trial.flagsWork = ownFlags & PageFlags.zero == 0 && zeroFlags & PageFlags.zero != 0
            let isPlain = ownFlags & PageFlags.anonymous != 0 && ownFlags & PageFlags.merged == 0
            if trial.flagsWork, isPlain { trial.signal = .kpageflags }
        }
        if trial.signal == nil, own.isExclusive, zero.isPresent, !zero.isExclusive { trial.signal = .exclusive }
        return trial
    }

    private static func flags(_ root: KernelRoot, _ entry: PageMapEntry) -> UInt64? {
        guard entry.frame > 0, let file = try? PageFlags(root) else { return nil }
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 1) { bits in
            file.read(frame: entry.frame, into: bits) == 1 ? bits[0] : nil
        }
    }
}
