/// One file of `/sys/kernel/mm/ksm`, spelled as the kernel spells it.
///
/// The list covers kernels 5.4 to 6.18; which of them a kernel has is found out by looking (distributions backport).
/// Source: the `KSM_ATTR` macros of mm/ksm.c and Documentation/admin-guide/mm/ksm.rst.
package enum Attribute: Int, CaseIterable, Sendable {
    case run
    case pages_to_scan
    case sleep_millisecs
    case merge_across_nodes
    case use_zero_pages
    case max_page_sharing
    case stable_node_chains_prune_millisecs
    case smart_scan
    case advisor_mode
    case advisor_max_cpu
    case advisor_min_pages_to_scan
    case advisor_max_pages_to_scan
    case advisor_target_scan_time
    case pages_shared
    case pages_sharing
    case pages_unshared
    case pages_volatile
    case full_scans
    case stable_node_chains
    case stable_node_dups
    case general_profit
    case pages_scanned
    case ksm_zero_pages
    case pages_skipped

    /// How the kernel prints the value.
    package enum Format: Sendable {
        /// A decimal number from 0.
        case unsigned
        /// A decimal number that can be negative (`general_profit`, `ksm_zero_pages`: s64 in mm/ksm.c).
        case signed
        /// Words of which the chosen one stands in brackets: `[none] scan-time`.
        case selection
    }

    package var format: Format {
        switch self {
        case .advisor_mode: .selection
        case .general_profit, .ksm_zero_pages: .signed
        default: .unsigned
        }
    }

    /// Settings can be written; counters cannot (0444 in mm/ksm.c).
    package var isSetting: Bool {
        Attribute.settings.contains(self)
    }

    /// The attributes that can be written, in the order of this enumeration.
    package static let settings: [Attribute] = [
        .run, .pages_to_scan, .sleep_millisecs, .merge_across_nodes, .use_zero_pages, .max_page_sharing,
        .stable_node_chains_prune_millisecs, .smart_scan, .advisor_mode, .advisor_max_cpu,
        .advisor_min_pages_to_scan, .advisor_max_pages_to_scan, .advisor_target_scan_time,
    ]

    /// A write can sleep unkillably until the scanner's batch ends: the store takes `ksm_thread_mutex`
    /// (run_store, merge_across_nodes_store, max_page_sharing_store of mm/ksm.c).
    package var writeCanBlock: Bool {
        self == .run || self == .merge_across_nodes || self == .max_page_sharing
    }

    /// A write of another value is refused (EBUSY) while `pages_shared` is above 0.
    package var needsNothingShared: Bool {
        self == .merge_across_nodes || self == .max_page_sharing
    }

    private static let names = allCases.map { "\($0)" }

    /// The name of the file.
    package var name: String { Attribute.names[rawValue] }

    /// The attribute whose file is called `name`.
    package init?(name: some StringProtocol) {
        guard let index = Attribute.names.firstIndex(where: { $0 == name }) else { return nil }
        self.init(rawValue: index)
    }
}

/// The value of one attribute.
package enum AttributeValue: Equatable, Sendable, CustomStringConvertible {
    case unsigned(UInt64)
    case signed(Int64)
    /// The chosen word of a selection (`none` or `scan-time` of `advisor_mode`).
    case word(String)

    /// As it is written to the kernel.
    package var description: String {
        switch self {
        case .unsigned(let value): String(value)
        case .signed(let value): String(value)
        case .word(let value): value
        }
    }

    /// The number as unsigned; `nil` for words and for negative numbers.
    package var unsignedValue: UInt64? {
        switch self {
        case .unsigned(let value): value
        case .signed(let value): UInt64(exactly: value)
        case .word: nil
        }
    }

    /// The number as signed; `nil` for words and for numbers that do not fit.
    package var signedValue: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        case .signed(let value): value
        case .word: nil
        }
    }

    package var wordValue: String? {
        if case .word(let value) = self { value } else { nil }
    }

    /// A value of the same kind, from its text as it is written; `nil` for text that is none.
    package func replaced(by text: String) -> AttributeValue? {
        switch self {
        case .unsigned: UInt64(text).map { .unsigned($0) }
        case .signed: Int64(text).map { .signed($0) }
        case .word: .word(text)
        }
    }
}
