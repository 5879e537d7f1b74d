extension NodeMemory {
    /// Fills in `availableKiB` of all nodes from the kernel's own estimate for the host (`MemAvailable`).
    ///
    /// Each node has its free memory and its part of what can be reclaimed. Where the host's estimate is lower than all
    /// of that, the reclaimable parts shrink by the same ratio; where it is lower than free memory alone (the kernel
    /// keeps a reserve), the free parts do. So the sum is never more than `MemAvailable`. What is not known to be
    /// reclaimable counts as not. Source: si_mem_available of mm/show_mem.c; no kernel tells it by node.
    /// - Parameter hostKiB: `nil` before 3.14, which has no such line: then nothing shrinks.
    package static func fillAvailable(_ nodes: inout [NodeMemory], hostKiB: UInt64?) {
        let free = nodes.reduce(0) { saturatingSum($0, $1.freeKiB) }
        let reclaimable = nodes.reduce(0) { saturatingSum($0, $1.reclaimableKiB ?? 0) }
        let host = hostKiB ?? .max
        let room = host > free ? host - free : 0
        for index in nodes.indices {
            let ownFree = part(of: nodes[index].freeKiB, min(host, free), outOf: free)
            let own = part(of: nodes[index].reclaimableKiB ?? 0, min(room, reclaimable), outOf: reclaimable)
            nodes[index].availableKiB = saturatingSum(ownFree, own)
        }
    }

    /// `value` × `numerator` ÷ `whole`, rounded down; the numerator is at most the whole, and so is the value.
    private static func part(of value: UInt64, _ numerator: UInt64, outOf whole: UInt64) -> UInt64 {
        guard whole > 0, numerator < whole else { return value }
        // The quotient fits: it is at most the value.
        return whole.dividingFullWidth(value.multipliedFullWidth(by: numerator)).quotient
    }

    private static func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
