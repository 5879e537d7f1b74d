package import KSMModel

/// How the found settings come back: writes in order, and what cannot come back now.
package struct RestorePlan: Equatable, Sendable {
    package var writes: [Write]
    /// Attributes that keep their entry, each with the sentence that says why.
    package var postponed: [Postponed]

    package struct Postponed: Equatable, Sendable {
        package var attribute: Attribute
        package var sentence: String
    }

    /// Plans the way back from `current` to what was found.
    ///
    /// `pages_to_scan` and the others come first, `run` last; but a `run` that ends the scanning comes before the advisor,
    /// which reckons a batch of its own at the end of each full scan (scan_time_advisor). The kernel sets `pages_to_scan` to
    /// `advisor_min_pages_to_scan` when its advisor is switched on (set_advisor_defaults of mm/ksm.c), so where the
    /// advisor was on that minimum is lent the found batch for a moment. `merge_across_nodes` and `max_page_sharing`
    /// cannot change while pages are shared. `run` never becomes 2 here: un-sharing needs memory that may not be there.
    /// - Parameters:
    ///   - keepStopped: leave `run` at 0 whatever was found.
    ///   - isHeld: an operator said `ksmctl stop`: `run` stays 0, and what was found is kept for later.
    package init(_ saved: SavedSettings, current: KSMAttributes, keepStopped: Bool = false, isHeld: Bool = false) {
        writes = []
        postponed = []
        let isShared = (current.number(.pages_shared) ?? 0) > 0
        for entry in saved.entries where entry.isOurs {
            switch entry.attribute {
            case .run, .advisor_mode: continue
            case .pages_to_scan where RestorePlan.wasAdvised(saved): continue
            case let attribute where attribute.needsNothingShared && isShared:
                postpone(entry, current)
            default:
                writes.append(Write(entry.attribute, entry.found))
            }
        }
        let run = restoredRun(saved, keepStopped: keepStopped, isHeld: isHeld)
        let advisor = RestorePlan.advisor(saved, current)
        writes += run == Write(.run, 0) ? [Write(.run, 0)] + advisor : advisor + (run.map { [$0] } ?? [])
        writes.removeAll { RestorePlan.isInPlace($0, current) && $0.attribute != .advisor_min_pages_to_scan }
    }

    private static func wasAdvised(_ saved: SavedSettings) -> Bool {
        guard let mode = saved[.advisor_mode], mode.isOurs else { return false }
        return mode.found != "none"
    }

    private static func isInPlace(_ write: Write, _ current: KSMAttributes) -> Bool {
        if write.attribute == .run { return current.run.map { String($0) } == write.value }
        return current[write.attribute]?.description == write.value
    }

    private mutating func postpone(_ entry: SavedSettings.Entry, _ current: KSMAttributes) {
        guard current[entry.attribute]?.description != entry.found else { return }
        let shared = current.number(.pages_shared) ?? 0
        postponed.append(
            Postponed(
                attribute: entry.attribute,
                sentence:
                    "\(entry.attribute.name) cannot go back to \(entry.found) while \(shared) pages are shared; the value is kept for later"
            )
        )
    }

    private static func advisor(_ saved: SavedSettings, _ current: KSMAttributes) -> [Write] {
        guard let mode = saved[.advisor_mode], mode.isOurs else { return [] }
        guard mode.found != "none" else { return [Write(.advisor_mode, mode.found)] }
        if current.isAdvised { return [] }
        let minimum = saved[.advisor_min_pages_to_scan]?.found ?? current[.advisor_min_pages_to_scan]?.description
        guard let batch = saved[.pages_to_scan]?.found, let minimum else { return [Write(.advisor_mode, mode.found)] }
        return [
            Write(.advisor_min_pages_to_scan, batch), Write(.advisor_mode, mode.found),
            Write(.advisor_min_pages_to_scan, minimum),
        ]
    }

    private mutating func restoredRun(_ saved: SavedSettings, keepStopped: Bool, isHeld: Bool) -> Write? {
        guard let run = saved[.run] else { return nil }
        // Whatever else a file says (2, or 02, which is 2 to the kernel) stands for a scanner that does not run.
        let value = run.found == "1" ? 1 : 0
        if isHeld, run.isOurs, value == 1 {
            let sentence =
                "run stays 0 while an operator holds it (ksmctl stop or pause); the 1 that was found is kept for later, "
                + "for ksmd or ksmd --restore"
            postponed.append(Postponed(attribute: .run, sentence: sentence))
        }
        if keepStopped || isHeld { return Write(.run, 0) }
        return run.isOurs ? Write(.run, value) : nil
    }
}
