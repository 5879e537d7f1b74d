import KSMModel

/// The copies that un-sharing makes, by the node where they belong; all in pages.
struct Copies {
    /// Places that are backed by merged memory and belong to guests whose home is known: each gets a copy.
    private var homed: [Int: Double] = [:]
    /// Merged pages that are given back where they lie, once the last of their users has its copy.
    private var kept: [Int: Double] = [:]
    /// Copies that may be made on any node: of processes that are no guests, and of guests whose home is not known.
    private(set) var anywhere = 0.0
    /// How many of those are of guests.
    private(set) var ofGuests = 0.0

    /// Kept pages ÷ places that are backed by merged pages.
    private let keptShare: Double

    init(_ sample: Sample, _ homes: Homes) {
        let shared = Double(sample.ksm.number(.pages_shared) ?? 0)
        let places = shared + Double(sample.ksm.number(.pages_sharing) ?? 0)
        let zeroPages = Double(sample.ksm.number(.ksm_zero_pages) ?? 0)
        keptShare = places > 0 ? shared / places : 0
        let guests = sample.guests.map { guest in
            (guest, homes[guest], Copies.merged(guest, homes[guest]), Double(max(0, guest.ksmStat?.zeroPages ?? 0)))
        }
        let merged = guests.reduce(0) { $0 + $1.2 }
        let zero = guests.reduce(0) { $0 + $1.3 }
        // The counters of processes that have forked are too high on 6.1 to 6.17.
        let scale = (merged: merged > places ? places / merged : 1, zero: zero > zeroPages ? zeroPages / zero : 1)
        for (_, home, merged, zero) in guests {
            add(home, merged: merged * scale.merged, zero: zero * scale.zero, isLocal: homes.isLocal)
        }
        anywhere += max(0, places - merged) * (1 - keptShare) + max(0, zeroPages - zero)
    }

    private static func merged(_ guest: Guest, _ home: GuestHome?) -> Double {
        home.map { $0.mergedPages(guest) } ?? Double(guest.mergingPages ?? 0)
    }

    private mutating func add(_ home: GuestHome?, merged: Double, zero: Double, isLocal: Bool) {
        guard let home else {
            anywhere += merged * (1 - keptShare) + zero
            ofGuests += merged * (1 - keptShare) + zero
            return
        }
        let lies = home.merged.isEmpty ? home.home.parts : home.merged
        for part in isLocal ? lies : home.home.parts { homed[part.node, default: 0] += merged * part.share }
        for part in lies { kept[part.node, default: 0] += merged * keptShare * part.share }
        for part in home.home.parts { homed[part.node, default: 0] += zero * part.share }
    }

    /// Nodes that copies belong on, or that get kept pages back.
    var nodes: Set<Int> { Set(homed.keys).union(kept.keys) }

    /// What a node has less of when all is done; over all nodes, with `anywhere`, the host's promise.
    func net(_ node: Int) -> Double { max(0, most(node) - (kept[node] ?? 0)) }

    /// The most that is needed on a node while un-sharing goes on: what is kept there may be given back last.
    func most(_ node: Int) -> Double { homed[node] ?? 0 }
}

extension Homes {
    /// Merged within nodes.
    var isLocal: Bool { scope == .local }
}

/// Spreads something over nodes in proportion to their room; evenly when none has any.
struct RoomShares {
    private let rooms: [Int: Double]
    private let total: Double

    init(_ nodes: [NodeMemory]) {
        rooms = Dictionary(nodes.map { ($0.node, Double($0.availableKiB ?? $0.freeKiB)) }) { first, _ in first }
        total = rooms.values.reduce(0, +)
    }

    /// The part of one node, 0…1.
    subscript(node: Int) -> Double {
        guard let room = rooms[node] else { return 0 }
        return total > 0 ? room / total : 1 / Double(rooms.count)
    }
}
