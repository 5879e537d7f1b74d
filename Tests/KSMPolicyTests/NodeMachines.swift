import KSMModel

let GiB: UInt64 = 1 << 20
let MiB: UInt64 = 1 << 10
/// Pages of 4 KiB in a GiB.
let gibPages: UInt64 = 1 << 18

/// Numbers at and near the ends of what 64 bits hold.
let edges: [UInt64] = [0, 1, 4095, UInt64(UInt32.max), UInt64(Int64.max), .max - 1, .max]

/// Small pseudo-random numbers, the same at each run (SplitMix64).
struct Dice {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next(_ bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % bound
    }
}

extension GuestPlacement {
    init(_ pid: Int32, own: [Int: UInt64] = [:], merged: [Int: UInt64] = [:], step: Double = 1) {
        self.init(pid: pid, startTicks: UInt64(pid))
        self.own = own
        self.merged = merged
        self.step = step
    }
}

extension Guest {
    init(_ pid: Int32, rssKiB: UInt64, merging: UInt64? = nil) {
        self.init(pid: pid, startTicks: UInt64(pid), name: "vm\(pid)", rssKiB: rssKiB)
        mergingPages = merging
    }
}

extension Survey {
    init(_ placements: [GuestPlacement], at nanoseconds: UInt64 = 0, signal: MergedSignal? = .kpageflags) {
        self.init(monotonicNanoseconds: nanoseconds, cpuNanoseconds: 0, signal: signal, guests: placements)
    }
}

extension Topology {
    /// Nodes 0… with two CPUs each, at the same distance from one another.
    init(count: Int, distance: Int?) {
        self.init(
            nodes: (0..<count).map { number in
                Node(
                    number: number,
                    hasMemory: true,
                    cpus: [2 * number, 2 * number + 1],
                    distances: distance.map { far in (0..<count).map { $0 == number ? 10 : far } } ?? []
                )
            }
        )
    }
}

extension Sample {
    /// Nodes of 16 GiB each, of which these many KiB are available; the host has the sum.
    init(available: [UInt64], at seconds: UInt64 = 0, distance: Int? = 20) {
        self.init(monotonicNanoseconds: seconds * 1_000_000_000, pageSize: 4096)
        topology = Topology(count: available.count, distance: distance)
        nodes = available.enumerated().map { number, kib in
            var memory = NodeMemory(node: number, totalKiB: 16 * GiB, freeKiB: kib / 2)
            memory.availableKiB = kib
            return memory
        }
        let sum = available.reduce(0, +)
        memory.memTotalKiB = UInt64(available.count) * 16 * GiB
        memory.memAvailableKiB = sum
        (memory.memFreeKiB, memory.buffersKiB, memory.cachedKiB) = (sum, 0, 0)
        ksm[.merge_across_nodes] = .unsigned(1)
        ksm[.run] = .unsigned(1)
        merge(shared: 0, sharing: 0)
    }

    mutating func merge(shared: UInt64, sharing: UInt64) {
        ksm[.pages_shared] = .unsigned(shared)
        ksm[.pages_sharing] = .unsigned(sharing)
    }

    var scope: MergeScope? {
        get { ksm.number(.merge_across_nodes).flatMap { MergeScope(value: $0) } }
        set { ksm[.merge_across_nodes] = newValue.map { .unsigned($0 == .local ? 0 : 1) } }
    }

    /// Every figure is this number: whatever is done with it must not trap.
    init(everything value: UInt64, guests count: Int = 3, step: Double) {
        self.init(available: [0, 0, 0])
        monotonicNanoseconds = value
        for index in nodes.indices {
            nodes[index] = NodeMemory(node: index, totalKiB: value, freeKiB: value)
            if index > 0 { nodes[index].availableKiB = value }
        }
        (memory.memTotalKiB, memory.memAvailableKiB, memory.memFreeKiB) = (value, value, value)
        (memory.buffersKiB, memory.cachedKiB) = (value, value)
        merge(shared: value, sharing: value)
        for attribute in [Attribute.ksm_zero_pages, .stable_node_dups, .max_page_sharing] {
            ksm[attribute] = .unsigned(value)
        }
        ksm[.stable_node_chains] = .unsigned(value / 2)
        events.cow_ksm = value
        guests = (1...Int32(count)).map { pid in
            var guest = Guest(pid, rssKiB: value, merging: pid == 1 ? nil : value)
            guest.ksmStat = KSMStat()
            guest.ksmStat?.zeroPages = Int64(clamping: value)
            return guest
        }
        survey = Survey(
            guests.map {
                GuestPlacement(
                    $0.pid,
                    own: [0: value, 2: value, -14: value],
                    merged: [0: value, 1: value, -2: 1],
                    step: step
                )
            }
        )
    }

    /// `everything` with each edge, and with odd steps of the survey.
    static var extremes: [Sample] {
        let steps: [Double] = [1, 0, -1, .nan, .infinity, .greatestFiniteMagnitude, 64]
        return edges.flatMap { value in steps.map { Sample(everything: value, step: $0) } }
    }
}

extension Reason {
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
