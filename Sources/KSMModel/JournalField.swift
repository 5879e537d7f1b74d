/// The names of ksmd's fields in journal entries, without the `KSM_` in front.
///
/// Stable: scripts select by them. ksmd.journal-fields(7) explains each; a test holds the two together. The names that
/// depend on an attribute or a node are made by `Reason.Field`'s functions.
package enum JournalField: String, CaseIterable, Sendable {
    /// The kind of the entry, as a word.
    case kind = "KIND"

    // What every change carries.
    case trigger = "TRIGGER"
    case state = "STATE"
    case stateBefore = "STATE_BEFORE"
    case stateSeconds = "STATE_SECONDS"
    case savedBytes = "SAVED_BYTES"
    case netSavedBytes = "NET_SAVED_BYTES"
    case scannerCPUMicroseconds = "SCANNER_CPU_USEC"
    case scannerCPUPermille = "SCANNER_CPU_PERMILLE"
    case guests = "GUESTS"
    case guest = "GUEST"

    // Why.
    case reason = "REASON"
    case policy = "POLICY"
    case by = "BY"
    case why = "WHY"
    case until = "UNTIL"
    case source = "SOURCE"
    case version = "VERSION"

    // Attributes of the kernel.
    case attribute = "ATTRIBUTE"
    case value = "VALUE"
    case valueBefore = "VALUE_BEFORE"
    case pagesToScan = "PAGES_TO_SCAN"

    // Memory of the host.
    case totalKiB = "TOTAL_KIB"
    case freeKiB = "FREE_KIB"
    case availableKiB = "AVAILABLE_KIB"
    case committedKiB = "COMMITTED_KIB"
    case thresholdKiB = "THRESHOLD_KIB"

    // Nodes and scope.
    case node = "NODE"
    case nodeTotalKiB = "NODE_TOTAL_KIB"
    case nodeAvailableKiB = "NODE_AVAILABLE_KIB"
    case nodeThresholdKiB = "NODE_THRESHOLD_KIB"
    case scope = "SCOPE"
    case wantedScope = "WANTED_SCOPE"
    case waitSeconds = "WAIT_SECONDS"
    case promisedKiB = "PROMISED_KIB"
    case shortKiB = "SHORT_KIB"
    case breaksPerSecond = "BREAKS_PER_SECOND"
    case remotePercent = "REMOTE_PERCENT"
    case remoteErrorPercent = "REMOTE_ERROR_PERCENT"
    case mergedKiB = "MERGED_KIB"
    case lostKiB = "LOST_KIB"
    case collapsed = "COLLAPSED"
    case stableNodeDups = "STABLE_NODE_DUPS"
    case reclaimableKiB = "RECLAIMABLE_KIB"
    case kernel = "KERNEL"
    case numaBalancing = "NUMA_BALANCING"
    case numadPID = "NUMAD_PID"

    // Un-sharing.
    case outcome = "OUTCOME"
    case neededKiB = "NEEDED_KIB"
    case pages = "PAGES"
    case moved = "MOVED"
    case astray = "ASTRAY"
    case seconds = "SECONDS"
    case milliseconds = "MILLISECONDS"

    // The summary.
    case scanningSeconds = "SCANNING_SECONDS"
    case savedBytesBefore = "SAVED_BYTES_BEFORE"
    case changes = "CHANGES"
}

extension Reason.Field {
    /// What a node has, as fields of their own for each node.
    package enum NodeFigure: String, CaseIterable, Sendable {
        case totalKiB = "TOTAL_KIB"
        case freeKiB = "FREE_KIB"
        case availableKiB = "AVAILABLE_KIB"
    }

    /// `SET_RUN=1`: the value that was written to an attribute.
    package static func set(_ attribute: Attribute, _ value: String) -> Reason.Field {
        Reason.Field(name: "SET_\(attribute.name.uppercased())", value)
    }

    /// `WAS_RUN=0`: the value before the write.
    package static func was(_ attribute: Attribute, _ value: String) -> Reason.Field {
        Reason.Field(name: "WAS_\(attribute.name.uppercased())", value)
    }

    /// `NODE1_FREE_KIB=4711`.
    package static func node(_ node: Int, _ figure: NodeFigure, _ kib: UInt64) -> Reason.Field {
        Reason.Field(name: "NODE\(node)_\(figure.rawValue)", String(kib))
    }
}
