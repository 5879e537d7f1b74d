/// One memory cgroup with a limit, in bytes.
///
/// Files of version 2, with those of version 1 in brackets. See Documentation/admin-guide/cgroup-v2.rst.
package struct CgroupLimit: Equatable, Sendable {
    /// Its path below the hierarchy's root, as `/proc/PID/cgroup` has it.
    package var path: String
    /// `memory.current` (`memory.usage_in_bytes`): page cache counts too.
    package var currentBytes: UInt64
    /// `memory.max` (`memory.limit_in_bytes`): who needs more than that is killed; `nil` is no limit.
    package var maxBytes: UInt64?
    /// `memory.high`: above it the cgroup's processes are slowed down and lose memory; `nil` is none, and version 1.
    package var highBytes: UInt64?

    package init(path: String, currentBytes: UInt64, maxBytes: UInt64?, highBytes: UInt64? = nil) {
        self.path = path
        self.currentBytes = currentBytes
        self.maxBytes = maxBytes
        self.highBytes = highBytes
    }

    /// What can still be charged before the limit, in KiB, rounded down; `nil` without one.
    package var headroomKiB: UInt64? {
        maxBytes.map { $0 > currentBytes ? ($0 - currentBytes) / 1024 : 0 }
    }
}

/// The limits that hold for one process: its cgroup's and those above it.
package struct CgroupChain: Equatable, Sendable {
    /// The process' own memory cgroup; `nil` where memory is not counted by cgroups, or its place cannot be seen.
    package var path: String?
    /// Whether version 2 counts its memory.
    package var isUnified: Bool
    /// From the process' cgroup upwards, only those with a limit.
    package var limits: [CgroupLimit]
    /// Why limits may be missing, one sentence: operation, path, cause; `nil` when all were seen.
    package var problem: String?

    package init(path: String?, isUnified: Bool = true, limits: [CgroupLimit] = [], problem: String? = nil) {
        self.path = path
        self.isUnified = isUnified
        self.limits = limits
        self.problem = problem
    }

    /// The limit with the least room left; `nil` when nothing is limited.
    package var tightest: CgroupLimit? {
        limits.filter { $0.maxBytes != nil }.min { ($0.headroomKiB ?? .max) < ($1.headroomKiB ?? .max) }
    }
}
