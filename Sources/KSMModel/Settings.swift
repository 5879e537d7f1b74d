/// Who decides.
package enum PolicyName: String, CaseIterable, Sendable {
    /// ksmtuned's rule.
    case classic
}

/// What happens to the kernel's settings when ksmd stops.
package enum OnStop: String, CaseIterable, Sendable {
    /// All settings come back as they were found.
    case restore
    /// The same, but KSM is left stopped (`run` 0; merged pages stay merged).
    case stop
    /// Everything stays as ksmd left it.
    case leave
}

/// What happens when somebody else writes an attribute that ksmd has set.
package enum ForeignWrites: String, CaseIterable, Sendable {
    case respect
    case retake
}

/// What happens to the kernel's scan-time advisor when it is found on.
package enum AdvisorHandling: String, CaseIterable, Sendable {
    /// Set to `none`, and back when ksmd stops.
    case take
    /// Left on: it sets `pages_to_scan`, ksmd only starts and stops scanning.
    case keep
}

/// What counts as a guest's memory in the classic rule.
package enum GuestMetric: String, CaseIterable, Sendable {
    case rss
    case pss
}

/// The numbers of ksmtuned's rule, with its defaults (the comments of ksmtuned.conf, and the script).
package struct ClassicParameters: Equatable, Sendable {
    /// Pages added to the batch per tick while memory is short.
    package var boostPages: Int64 = 300
    /// Pages added while it is not; negative by convention.
    package var decayPages: Int64 = -50
    package var minimumPages: Int64 = 64
    package var maximumPages: Int64 = 1250
    /// Sleep between two batches for a host of 16 GiB; scaled by 16 GiB ÷ total, never under 10 ms.
    package var sleepMilliseconds: Int64 = 10
    /// Threshold in percent of total memory.
    package var thresholdPercent: Int64 = 20
    /// Lower bound of the threshold in KiB.
    package var thresholdKiB: Int64 = 2048

    package init() {}
}

/// How `merge_across_nodes` is managed.
package struct NUMAParameters: Equatable, Sendable {
    package var scope: ScopeSetting = .auto
    /// Nodes at most this far apart count as one: sub-NUMA clusters of one socket have 11 or 12 in the firmware's table,
    /// sockets 20 and more.
    package var nearDistance: Int64 = 12
    /// What merging over all nodes has to save more than within each, in percent of the guests' resident memory.
    package var acrossGainPercent: Int64 = 5
    /// Whether ksmd may un-share by itself to change the scope.
    package var autoUnmerge = false
    /// The least time between two changes of the scope, in milliseconds.
    package var scopeDwellMilliseconds: UInt64 = 3_600_000
    /// How long memory must not have been short before copies are made to change from across to local, in milliseconds.
    package var calmDwellMilliseconds: UInt64 = 1_800_000
    /// How long a guest's mmap may have to wait while it is un-shared, in milliseconds; a wish.
    package var maxGuestStallMilliseconds: UInt64 = 200

    package init() {}
}

/// All settings of ksmd, validated.
///
/// Every value has its default here and nowhere else.
package struct Settings: Equatable, Sendable {
    // [Tuner]
    package var policy: PolicyName = .classic
    /// Time between two ticks in milliseconds; `nil` leaves it to the policy.
    package var intervalMilliseconds: UInt64?
    package var onStop: OnStop = .restore
    package var foreignWrites: ForeignWrites = .respect
    package var advisor: AdvisorHandling = .take

    // [NUMA]
    package var numa = NUMAParameters()

    // [Guests]
    /// Shell patterns (fnmatch) for the process name (`comm`, 15 characters at most) of a guest.
    package var guestNames: [String] = ["qemu-system-?*", "qemu-kvm", "qemu:?*", "kvm"]
    package var guestMetric: GuestMetric = .rss

    // [Events]
    /// What makes ksmd look before its interval is over.
    package var eventSources = EventSourceName.allCases
    /// Cgroups in which guests appear, relative to the mount point of cgroup2: libvirt makes them in machine.slice, and in
    /// machine where there is no systemd-machined (seen with libvirt 9.0).
    package var watchedCgroups = ["machine.slice", "machine"]

    // [Scanner]
    package var classic = ClassicParameters()
    /// `KSM_MAX_KERNEL_PAGES`, which no kernel since 2.6.33 has: 0 is unlimited, `nil` half of memory.
    package var maxKernelPages: UInt64?

    // [Output]
    /// File for ksmtuned's debug lines; `nil` writes them to standard error.
    package var logFile: String?
    package var debug = false
    /// Time between two summaries in milliseconds; 0 is none.
    package var summaryMilliseconds: UInt64 = 3_600_000

    package init() {}

    /// The time between two ticks: as configured, else by policy (ksmtuned's minute for classic).
    package var effectiveIntervalMilliseconds: UInt64 {
        if let intervalMilliseconds { return intervalMilliseconds }
        return switch policy {
        case .classic: 60_000
        }
    }
}
