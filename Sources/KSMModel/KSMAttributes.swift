/// All attributes of `/sys/kernel/mm/ksm` at one moment.
///
/// A file that this kernel lacks is `nil`, never 0.
///
/// The kernel gives no snapshot across files: sums can be off by the work of one batch.
package struct KSMAttributes: Equatable, Sendable {
    private var values: [AttributeValue?]

    package init() {
        values = Array(repeating: nil, count: Attribute.allCases.count)
    }

    package init(_ pairs: KeyValuePairs<Attribute, AttributeValue>) {
        self.init()
        for (attribute, value) in pairs {
            self[attribute] = value
        }
    }

    package subscript(attribute: Attribute) -> AttributeValue? {
        get { values[attribute.rawValue] }
        set { values[attribute.rawValue] = newValue }
    }

    /// The number of `attribute` as unsigned; `nil` where the file is absent.
    package func number(_ attribute: Attribute) -> UInt64? {
        self[attribute]?.unsignedValue
    }

    /// `run` without bit 4, which the kernel shows while memory goes offline (KSM_RUN_OFFLINE of mm/ksm.c).
    package var run: UInt64? { number(.run).map { $0 & 3 } }

    /// Whether the scanner thread has been told to scan.
    package var isRunning: Bool { run == 1 }

    /// Whether the kernel's own advisor sets `pages_to_scan` (6.8+); writing it then fails with EINVAL.
    package var isAdvised: Bool {
        guard let mode = self[.advisor_mode]?.wordValue else { return false }
        return mode != "none"
    }

    /// Pages of memory saved: `pages_sharing`, and from 6.6 also `ksm_zero_pages` (a zero page takes no memory of its
    /// own).
    ///
    /// On older kernels zero pages that `use_zero_pages` placed are saved but not counted.
    package var savedPages: UInt64? {
        guard let sharing = number(.pages_sharing) else { return nil }
        return sharing.addingReportingOverflow(number(.ksm_zero_pages) ?? 0).partialValue
    }

    /// Bytes of memory saved, bookkeeping not deducted.
    /// - Parameter pageSize: bytes per page of the host.
    package func savedBytes(pageSize: UInt64) -> UInt64? {
        savedPages.map { $0.multipliedReportingOverflow(by: pageSize).partialValue }
    }

    /// Bytes saved less what the kernel spends on bookkeeping; negative where KSM costs more than it saves.
    ///
    /// From 6.4 this is `general_profit`. Before, 64 bytes per page that the scanner knows (sizeof(struct
    /// ksm_rmap_item) on 64-bit; shared + sharing + unshared + volatile is the number of those items).
    package func netSavedBytes(pageSize: UInt64) -> Int64? {
        if let profit = self[.general_profit]?.signedValue { return profit }
        guard let saved = savedBytes(pageSize: pageSize) else { return nil }
        let known: [Attribute] = [.pages_shared, .pages_sharing, .pages_unshared, .pages_volatile]
        let items = known.reduce(UInt64(0)) { sum, attribute in
            sum.addingReportingOverflow(number(attribute) ?? 0).partialValue
        }
        return Int64(truncatingIfNeeded: saved) &- Int64(truncatingIfNeeded: items) &* 64
    }
}
