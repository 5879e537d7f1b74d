/// What making copies has brought so far.
package struct CopyAccount: Equatable {
    /// Places of pages that are no longer merged, by the kernel's counters: also those that the kernel itself has copied.
    package var unshared: UInt64 = 0
    /// Pages copied onto each node, as asked for.
    package var copied: [Int: UInt64] = [:]
    /// Pages found afterwards where they belong.
    package var home: UInt64 = 0
    /// Pages found on another node and moved.
    package var moved: UInt64 = 0
    /// Pages that stay on another node: no room, a policy of the mapping's own, or a node out of reach.
    package var astray: UInt64 = 0
    /// Those of them that belong on a node out of this process' reach, by node.
    package var outOfReach: [Int: UInt64] = [:]
    /// Pages that could not be looked at afterwards.
    package var unseen: UInt64 = 0
    /// Processes that had merged pages.
    package var processes: UInt64 = 0
    /// What could not be done, a sentence each.
    package var remarks: [String] = []

    package init() {}

    /// All pages copied from here.
    package var pages: UInt64 { copied.values.reduce(0, &+) }

    /// All that is no longer merged; the kernel's counters follow only when it has walked through everything.
    package var all: UInt64 { max(unshared, pages) }

    /// Share of the pages seen afterwards that lie where they belong, in permille; `nil` when none was seen.
    package var homePermille: UInt64? {
        let seen = home &+ moved &+ astray
        return seen == 0 ? nil : (home &+ moved) * 1000 / seen
    }
}
