/// By what a merged page is told from others in another process' page map.
package enum MergedSignal: String, CaseIterable, Sendable {
    /// Bit 21 of `/proc/kpageflags` (needs CAP_SYS_ADMIN), after a test that it tells the truth on this kernel: on Debian
    /// 13's 6.12 it is set for every anonymous page.
    case kpageflags
    /// Bit 56 of `/proc/PID/pagemap` is clear: the page is mapped more than once.
    case exclusive
}

/// One guest whose page map is to be looked at.
package struct SurveyedGuest: Equatable, Sendable {
    package var pid: Int32
    /// Its start in clock ticks since boot; 0 is whatever has the pid now.
    package var startTicks: UInt64

    package init(pid: Int32, startTicks: UInt64 = 0) {
        self.pid = pid
        self.startTicks = startTicks
    }
}

/// Where the memory of one guest lies: counts of sampled pages by node.
package struct GuestPlacement: Equatable, Sendable {
    package var pid: Int32
    package var startTicks: UInt64
    /// Sampled pages that are not merged, by node.
    package var own: [Int: UInt64] = [:]
    /// Sampled pages that are merged, by node.
    package var merged: [Int: UInt64] = [:]
    /// Resident pages that one sampled page stands for; 1 is a full count.
    package var step: Double = 1

    package init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Sampled pages on `node`, merged or not.
    package func pages(on node: Int) -> UInt64 { (own[node] ?? 0) &+ (merged[node] ?? 0) }
}

/// What one look into the guests' page maps found.
package struct Survey: Equatable, Sendable {
    /// CLOCK_MONOTONIC when it ended.
    package var monotonicNanoseconds: UInt64
    /// What it cost: CPU time of the process that looked.
    package var cpuNanoseconds: UInt64
    /// `nil` where merged pages could not be told from others: then all pages count as not merged.
    package var signal: MergedSignal?
    package var guests: [GuestPlacement]
    /// What could not be looked at, one sentence each.
    package var problems: [String]

    package init(
        monotonicNanoseconds: UInt64,
        cpuNanoseconds: UInt64,
        signal: MergedSignal?,
        guests: [GuestPlacement],
        problems: [String] = []
    ) {
        self.monotonicNanoseconds = monotonicNanoseconds
        self.cpuNanoseconds = cpuNanoseconds
        self.signal = signal
        self.guests = guests
        self.problems = problems
    }

    /// What was found about one guest.
    package func placement(of guest: Guest) -> GuestPlacement? {
        guests.first { $0.pid == guest.pid && $0.startTicks == guest.startTicks }
    }
}

/// A share with its error, both 0…1.
package struct Share: Equatable, Sendable {
    package var value: Double
    /// Half the width of the 95 % interval.
    package var error: Double

    package init(value: Double, error: Double) {
        self.value = value
        self.error = error
    }
}
