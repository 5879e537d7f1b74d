package import KSMModel

/// What one attribute of `/sys/kernel/mm/ksm` is about, for operators.
///
/// Source: mm/ksm.c and Documentation/admin-guide/mm/ksm.rst of Linux 5.4 to 6.18; what old guides got wrong comes from
/// Red Hat's virtualization tuning guide.
package struct AttributeGuide: Equatable, Sendable {
    /// What the number counts; empty for a plain number.
    package var unit: String
    /// One short sentence.
    package var meaning: String
    /// What else an operator should know; empty when there is nothing.
    package var detail: String
    /// The kernel that brought it.
    ///
    /// Distributions carry features back, so a kernel can have it earlier.
    package var since: String
    /// What an old guide says, and what is so; `nil` where the guides are silent or right.
    package var oldGuide: String?
    /// The kernel's own default; `nil` for counters.
    package var defaultValue: String?
    /// What the kernel accepts; `nil` for counters.
    package var range: String?

    /// A setting.
    init(
        unit: String,
        since: String,
        default defaultValue: String,
        range: String,
        _ meaning: String,
        _ detail: String,
        oldGuide: String? = nil
    ) {
        self.unit = unit
        self.since = since
        self.defaultValue = defaultValue
        self.range = range
        self.meaning = meaning
        self.detail = detail
        self.oldGuide = oldGuide
    }

    /// A counter.
    init(unit: String, since: String, _ meaning: String, _ detail: String, oldGuide: String? = nil) {
        self.unit = unit
        self.since = since
        self.meaning = meaning
        self.detail = detail
        self.oldGuide = oldGuide
    }
}

extension Attribute {
    /// Unit, meaning and history of this attribute.
    package var guide: AttributeGuide {
        switch self {
        case .run: .run
        case .pages_to_scan: .pages_to_scan
        case .sleep_millisecs: .sleep_millisecs
        case .merge_across_nodes: .merge_across_nodes
        case .use_zero_pages: .use_zero_pages
        case .max_page_sharing: .max_page_sharing
        case .stable_node_chains_prune_millisecs: .stable_node_chains_prune_millisecs
        case .smart_scan: .smart_scan
        case .advisor_mode: .advisor_mode
        case .advisor_max_cpu: .advisor_max_cpu
        case .advisor_min_pages_to_scan: .advisor_min_pages_to_scan
        case .advisor_max_pages_to_scan: .advisor_max_pages_to_scan
        case .advisor_target_scan_time: .advisor_target_scan_time
        case .pages_shared: .pages_shared
        case .pages_sharing: .pages_sharing
        case .pages_unshared: .pages_unshared
        case .pages_volatile: .pages_volatile
        case .full_scans: .full_scans
        case .stable_node_chains: .stable_node_chains
        case .stable_node_dups: .stable_node_dups
        case .general_profit: .general_profit
        case .pages_scanned: .pages_scanned
        case .ksm_zero_pages: .ksm_zero_pages
        case .pages_skipped: .pages_skipped
        }
    }
}
