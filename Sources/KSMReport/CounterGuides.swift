/// The file came with KSM itself.
private let first = "2.6.32"

/// Guides call the counters accurate.
private let standStill = "Guides call it an accurate record; it stands still while run is 0 and lags a scan behind."

/// The attributes that can only be read.
extension AttributeGuide {
    static let pages_sharing = AttributeGuide(
        unit: "pages",
        since: first,
        "How many more places use the shared pages: this is what is saved.",
        "From 6.6 ksm_zero_pages comes on top of it.",
        oldGuide: "It was described as the pages presently shared; it is the memory saved. " + standStill
    )

    static let pages_unshared = AttributeGuide(
        unit: "pages",
        since: first,
        "Pages found unique, looked at again and again: what scanning costs for nothing.",
        "With smart_scan pages move between this and pages_volatile from scan to scan.",
        oldGuide: "It was described as pages no longer shared; they have never been shared."
    )

    static let pages_volatile = AttributeGuide(
        unit: "pages",
        since: first,
        "Pages that changed between two looks, and those not judged yet.",
        "Pages on their first scan, and pages that smart_scan skipped, count here too.",
        oldGuide: "It was described as the number of volatile pages, which also names pages that merely wait "
            + "for their second look."
    )

    static let pages_shared = AttributeGuide(
        unit: "pages",
        since: first,
        "Physical pages that hold shared content.",
        "They are what is left, not what is saved: that is pages_sharing.",
        oldGuide: "It was described as the total of pages shared, and so taken for the saving. " + standStill
    )

    static let pages_scanned = AttributeGuide(
        unit: "pages",
        since: "6.6",
        "Pages that the scanner has looked at since boot.",
        "Skipped pages and zero pages are not in it; merged pages, which cost little, are."
    )

    static let pages_skipped = AttributeGuide(
        unit: "pages",
        since: "6.7",
        "Pages that smart_scan has passed over since boot.",
        "Looks at pages per scan are pages_scanned and this together."
    )

    static let full_scans = AttributeGuide(
        unit: "scans",
        since: first,
        "How often all mergeable memory has been gone through.",
        "It takes two full scans to merge a page. run=2 sets it to 0. With nothing to scan it rises all the "
            + "same, so it does not measure work.",
        oldGuide: standStill
    )

    static let stable_node_dups = AttributeGuide(
        unit: "pages",
        since: "4.13",
        "Copies of contents that have reached max_page_sharing.",
        "They also appear when merged pages move between NUMA nodes; only run=2 brings them together then."
    )

    static let general_profit = AttributeGuide(
        unit: "bytes",
        since: "6.4",
        "Memory saved less the kernel's bookkeeping; negative where KSM costs more.",
        "64 bytes are spent for every page that the scanner knows, merged or not."
    )

    static let ksm_zero_pages = AttributeGuide(
        unit: "pages",
        since: "6.6",
        "Pages of zeros that now take no memory; saved on top of pages_sharing.",
        "Only use_zero_pages=1 makes them. Unlike the others this counter goes on while run is 0."
    )

    static let stable_node_chains = AttributeGuide(
        unit: "chains",
        since: "4.13",
        "Contents that have reached max_page_sharing and so have several copies.",
        "Normal for pages of zeros: 1 GiB of them takes 1024 copies at the limit of 256."
    )
}
