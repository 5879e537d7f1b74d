import Glibc

/// Some pages of a guest; the memory is used again for the next ones.
package final class PageBatch {
    /// Pages in it.
    package private(set) var count = 0
    private let knowsMerged: Bool
    private var knowsNodes = false
    private let room: UnsafeMutableBufferPointer<UInt64>
    private let kinds: UnsafeMutableBufferPointer<PageKind>
    private let nodes: UnsafeMutableBufferPointer<Int32>

    /// - Parameter knowsMerged: whether merged pages can be told from others.
    init(capacity: Int, knowsMerged: Bool) {
        self.knowsMerged = knowsMerged
        room = .allocate(capacity: capacity)
        kinds = .allocate(capacity: capacity)
        nodes = .allocate(capacity: capacity)
    }

    deinit {
        room.deallocate()
        kinds.deallocate()
        nodes.deallocate()
    }

    // MARK: What is in it

    /// The pages' addresses, ascending.
    package var addresses: UnsafeBufferPointer<UInt64> { UnsafeBufferPointer(rebasing: room[..<count]) }

    /// The same as C's `unsigned long`, which is as wide on every machine that ksmd is built for.
    package var unsignedLongs: UnsafeBufferPointer<UInt> {
        UnsafeBufferPointer(start: UnsafeRawPointer(room.baseAddress)?.assumingMemoryBound(to: UInt.self), count: count)
    }

    /// Whether the page at `index` is merged; `nil` where that cannot be told.
    package func isMerged(_ index: Int) -> Bool? { knowsMerged ? kinds[index] == .merged : nil }

    /// The node where the page at `index` lies; `nil` when it was not asked for.
    package func node(_ index: Int) -> Int? { knowsNodes ? Int(nodes[index]) : nil }

    // MARK: Filling

    /// Takes the guest's pages out of a page map's entries.
    /// - Parameters:
    ///   - takesOwn: pages that are not merged, too.
    ///   - takesZero: the zero page, too, where it is known.
    ///   - address: of the page of an entry.
    func fill(
        _ entries: UnsafeBufferPointer<PageMapEntry>,
        _ merged: MergedPages,
        takesOwn: Bool,
        takesZero: Bool = false,
        address: (Int) -> UInt64
    ) {
        merged.tell(entries, into: kinds)
        knowsNodes = false
        count = 0
        for index in 0..<entries.count {
            let kind = kinds[index]
            guard kind == .merged || (kind == .own && takesOwn) || (kind == .zero && takesZero) else { continue }
            // What is written lies before what is still to be read.
            room[count] = address(index)
            kinds[count] = kind
            count += 1
        }
    }

    /// Asks for the nodes and leaves out what is no memory of the guest's: the zero page, and what has gone.
    ///
    /// A kernel without NUMA (ENOSYS) has one node.
    /// - Parameter keepsZero: the zero page is not left out; its node is negative (-EFAULT, move_pages(2)).
    func findNodes(pid: Int32, keepsZero: Bool = false) throws(SystemError) {
        do {
            try PageNodes.query(pid: pid, addresses: addresses, into: nodes)
        } catch {
            guard error.errno == ENOSYS else { throw error }
            for index in 0..<count { nodes[index] = 0 }
        }
        var kept = 0
        for index in 0..<count where nodes[index] >= 0 || keepsZero && nodes[index] == -EFAULT {
            room[kept] = room[index]
            kinds[kept] = kinds[index]
            nodes[kept] = nodes[index]
            kept += 1
        }
        count = kept
        knowsNodes = true
    }
}
