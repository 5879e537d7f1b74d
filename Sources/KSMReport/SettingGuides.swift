/// The file came with KSM itself.
private let first = "2.6.32"

/// The attributes that can be written.
extension AttributeGuide {
    static let pages_to_scan = AttributeGuide(
        unit: "pages",
        since: first,
        default: "100",
        range: "0 to 4294967295",
        "How many pages the scanner thread looks at before each sleep.",
        "A batch holds the lock that writes to run wait for, so a huge batch blocks them for seconds. While the "
            + "kernel's advisor is on, writes fail (EINVAL).",
        oldGuide: "It was described as the number of pages not scanned; it is the size of one batch."
    )

    static let sleep_millisecs = AttributeGuide(
        unit: "ms",
        since: first,
        default: "20",
        range: "0 to 4294967295",
        "How long the scanner thread sleeps between two batches.",
        "The kernel rounds it up to a timer tick and adds one. 0 never sleeps and burns a whole core. Another "
            + "value than before wakes the scanner at once.",
        oldGuide: "It was described as sleep without saying of what: it is the pause between two batches."
    )

    static let smart_scan = AttributeGuide(
        unit: "0 or 1",
        since: "6.7",
        default: "1",
        range: "0, 1",
        "Whether pages that were unique several times are skipped for some scans.",
        "It saves work per full scan. Equal pages that arrive late can miss each other for ever; three full "
            + "scans with 0 bring them together."
    )

    static let run = AttributeGuide(
        unit: "0, 1 or 2",
        since: first,
        default: "0",
        range: "0, 1, 2",
        "0 stops scanning and keeps what is merged, 1 scans, 2 stops and un-shares all.",
        "2 gives every sharer its own copy again at once and needs that much free memory. The kernel adds 4 "
            + "while memory goes offline. A write waits until the scanner's batch ends.",
        oldGuide: "It was described as whether the KSM process runs; the value 2 was left out, and that 0 does "
            + "not un-share."
    )

    static let use_zero_pages = AttributeGuide(
        unit: "0 or 1",
        since: "4.11",
        default: "0",
        range: "0, 1",
        "Whether pages full of zeros are mapped to the kernel's zero page.",
        "It takes no page at all for them and keeps them out of pages_sharing. Before 6.6 they are counted "
            + "nowhere and run=2 does not bring them back."
    )

    static let max_page_sharing = AttributeGuide(
        unit: "places",
        since: "4.13",
        default: "256",
        range: "2 to 2147483647",
        "How many places may share one page before the kernel keeps another copy.",
        "It bounds the time the kernel needs to find all users of a page. It can change only while "
            + "pages_shared is 0 (EBUSY)."
    )

    static let stable_node_chains_prune_millisecs = AttributeGuide(
        unit: "ms",
        since: "4.13",
        default: "2000",
        range: "0 to 4294967295",
        "How often the scanner looks for stale copies in chains.",
        "A chain holds the copies of a content that has reached max_page_sharing."
    )

    static let merge_across_nodes = AttributeGuide(
        unit: "0 or 1",
        since: "3.9",
        default: "1",
        range: "0, 1",
        "1 merges pages of different NUMA nodes, 0 only those of one node.",
        "With 1 memory can move to another node, even memory that was bound. It can change only while "
            + "pages_shared is 0 (EBUSY), so after run=2. Kernels built without NUMA lack it.",
        oldGuide: "Guides say to set 0 on NUMA, but not that this is refused while anything is merged."
    )

    static let advisor_max_cpu = AttributeGuide(
        unit: "% of a CPU",
        since: "6.8",
        default: "70",
        range: "not checked; cut to 32 bits",
        "The advisor's upper limit for the scanner's CPU time.",
        "The limit is soft: it comes from the CPU time of the last full scan."
    )

    static let advisor_min_pages_to_scan = AttributeGuide(
        unit: "pages",
        since: "6.8",
        default: "500",
        range: "0 to 18446744073709551615",
        "The batch with which the advisor starts.",
        "In spite of its name it is no lower bound afterwards."
    )

    static let advisor_max_pages_to_scan = AttributeGuide(
        unit: "pages",
        since: "6.8",
        default: "30000",
        range: "0 to 18446744073709551615",
        "The largest batch that the advisor sets.",
        "It is not checked against the smallest."
    )

    static let advisor_target_scan_time = AttributeGuide(
        unit: "s",
        since: "6.8",
        default: "200",
        range: "1 and more",
        "The time that the advisor wants a full scan to take.",
        "It counts in whole seconds and acts at the end of a full scan only."
    )

    static let advisor_mode = AttributeGuide(
        unit: "",
        since: "6.8",
        default: "none",
        range: "none, scan-time",
        "Whether the kernel sets pages_to_scan by itself (scan-time) or not (none).",
        "Switching it sets pages_to_scan to 500 (on) or 100 (off). Its first step after switching on goes by "
            + "wrong figures."
    )
}
