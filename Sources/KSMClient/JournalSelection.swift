package import KSMSystemd

/// Which entries of the journal somebody wants to see.
package struct JournalSelection: Sendable {
    /// At least one.
    package var kinds: [MessageID] = MessageID.allCases
    /// The value of `KSM_GUEST`.
    package var guest: String?
    /// The value of `KSM_NODE`.
    package var node: UInt32?
    /// The value of `_HOSTNAME`, which the journal itself sets.
    package var host: String?

    package init() {}

    /// `FIELD=value`, for sd_journal_add_match(3): one of those with the same field, and one of each field.
    var matches: [String] {
        kinds.map { "MESSAGE_ID=\($0.rawValue)" }
            + [guest.map { "KSM_GUEST=\($0)" }, node.map { "KSM_NODE=\($0)" }, host.map { "_HOSTNAME=\($0)" }]
            .compactMap(\.self)
    }
}
