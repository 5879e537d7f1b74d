/// Where the pages of one process belong, as runs of addresses: what is needed to look afterwards whether they are
/// there.
struct HomeRuns {
    struct Run: Equatable {
        var address: UInt64
        var pages: UInt32
        var node: Int32
    }

    /// Runs that are kept for all processes together: 16 bytes each, 64 MiB in all.
    static let limit = 4 << 20

    private(set) var runs: [Run] = []
    /// Pages that found no room in the list.
    private(set) var dropped: UInt64 = 0
    private let pageSize: UInt64

    init(pageSize: UInt64) {
        self.pageSize = pageSize
    }

    /// Takes in one page; addresses ascend.
    ///
    /// A hole in a run is part of it when the pages on both sides belong on the same node.
    mutating func add(_ address: UInt64, node: Int32, room: Int) {
        guard node >= 0 else { return }
        if let last = runs.last, last.node == node, address > last.address {
            let pages = (address - last.address) / pageSize + 1
            // Half a huge page's worth of hole at most: what is beyond may be another area.
            if pages <= UInt64(last.pages) + 256, let count = UInt32(exactly: pages) {
                runs[runs.count - 1].pages = count
                return
            }
        }
        guard runs.count < room else { return dropped += 1 }
        runs.append(Run(address: address, pages: 1, node: node))
    }

    /// The node where the page at an address belongs; `nil` for one that was not taken in.
    func node(of address: UInt64) -> Int32? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address - runs[low - 1].address < UInt64(runs[low - 1].pages) * pageSize else { return nil }
        return runs[low - 1].node
    }
}
