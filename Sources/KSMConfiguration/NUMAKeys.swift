import KSMModel

/// The keys of [NUMA].
extension ConfigurationKey {
    static let numa: [ConfigurationKey] = [
        ConfigurationKey(
            "NUMA",
            "MergeAcrossNodes",
            .mergeAcrossNodes,
            .word(\.numa.scope),
            unit: words(ScopeSetting.self),
            "Where equal pages are merged on a machine with several nodes: ksmd chooses, within each node, over all"
                + " nodes, or as the kernel's merge_across_nodes is found."
        ),
        ConfigurationKey(
            "NUMA",
            "NearDistance",
            .nearDistance,
            .number(\.numa.nearDistance, in: distanceRange),
            unit: "distance from 10 to 254, as in the firmware's table",
            "Nodes at most this far apart count as one for auto: clusters within a socket have 11 or 12, other sockets 20"
                + " and more."
        ),
        ConfigurationKey(
            "NUMA",
            "AcrossGain",
            .acrossGain,
            .percent(\.numa.acrossGainPercent, in: 0...100),
            unit: "percent of the guests' resident memory",
            "What merging over all nodes must save beyond merging within each before auto prefers it."
        ),
        ConfigurationKey(
            "NUMA",
            "AutoUnmerge",
            .autoUnmerge,
            .boolean(\.numa.autoUnmerge),
            unit: "yes or no",
            "Whether ksmd may un-share all merged memory by itself to change where pages are merged; otherwise it tells"
                + " what that would take and waits for ksmctl numa set."
        ),
        ConfigurationKey(
            "NUMA",
            "ScopeDwell",
            .scopeDwell,
            .timeSpan(\.numa.scopeDwellMilliseconds, in: dwellRange),
            unit: "time span of at most 720h",
            "The least time between two changes of where pages are merged."
        ),
        ConfigurationKey(
            "NUMA",
            "CalmDwell",
            .calmDwell,
            .timeSpan(\.numa.calmDwellMilliseconds, in: dwellRange),
            unit: "time span of at most 720h",
            "How long memory must not have been short before auto spends some on going back from all nodes to each."
        ),
        ConfigurationKey(
            "NUMA",
            "MaxGuestStall",
            .maxGuestStall,
            .timeSpan(\.numa.maxGuestStallMilliseconds, in: stallRange),
            unit: "time span from 10ms to 10s",
            "How long a guest's process may have to wait for its own memory map while it is un-shared; a wish, not a"
                + " promise."
        ),
    ]

    /// From a node to itself (10, LOCAL_DISTANCE of include/linux/topology.h) to the farthest that can be reached (255
    /// of the ACPI SLIT is "not at all").
    private static let distanceRange: ClosedRange<Int64> = 10...254
    /// In milliseconds; a month is longer than anybody waits for a change.
    private static let dwellRange: ClosedRange<UInt64> = 0...2_592_000_000
    /// In milliseconds: starting over costs a few by itself, and what takes more than 10 s is no limit.
    private static let stallRange: ClosedRange<UInt64> = 10...10_000
}
