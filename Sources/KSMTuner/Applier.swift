package import KSMKernel
package import KSMModel

/// Every kernel write goes through here: order, compare before write, write, read back; and the watch over what others
/// write.
package final class Applier {
    /// What became of one write that a policy asked for.
    package struct Applied: Equatable {
        package enum Outcome: Equatable {
            /// The value was there already.
            case unchanged
            case written
            /// A child writes it; the outcome comes later.
            case underWay
            case failed(SystemError)
            /// This kernel lacks the attribute.
            case absent
            /// Somebody else has set the attribute and is respected.
            case left
            /// A dry run.
            case notTried
        }

        package var write: Write
        /// The value before.
        package var before: String?
        package var outcome: Outcome
    }

    /// A value that somebody else has written.
    package struct ForeignWrite: Equatable {
        package var attribute: Attribute
        package var expected: String
        package var found: String
        /// ksmd had set the attribute; otherwise it only saw it change.
        package var wasOurs: Bool
    }

    /// What ksmd has set and the kernel has confirmed.
    package private(set) var own: [Attribute: String] = [:]
    /// What others have set since, and ksmd leaves alone.
    package private(set) var foreign: [Attribute: String] = [:]
    package let slow: SlowWriter
    package var handling: ForeignWrites

    private let sysfs: KSMSysfs
    private let saved: SavedState
    private let isDryRun: Bool
    /// Recorded machines take every write at once: nothing blocks there.
    private let isLive: Bool
    /// The settings as last seen.
    private var seen: KSMAttributes
    /// Foreign values that have been told already.
    private var told: [Attribute: String] = [:]

    package init(
        _ sysfs: KSMSysfs,
        saved: SavedState,
        current: KSMAttributes,
        handling: ForeignWrites,
        isDryRun: Bool,
        isLive: Bool
    ) {
        self.sysfs = sysfs
        self.saved = saved
        self.handling = handling
        self.isDryRun = isDryRun
        self.isLive = isLive
        slow = SlowWriter(sysfs)
        seen = current
    }

    /// Begins anew with everybody's values: after a reload or `ksmctl start`, what others have set is ksmd's again.
    /// - Parameter current: what is there now; changes up to here are nobody's.
    package func forgetForeign(_ current: KSMAttributes) {
        foreign.removeAll()
        told.removeAll()
        own = own.filter { Applier.text(current, $0.key) == $0.value }
        seen = current
    }

    /// Takes the values that are there now as nobody's change: the Unmerger, which is part of ksmd, has been at work.
    ///
    /// The scope is not put back when ksmd stops where it has changed, or an operator has said what it is to be.
    package func acceptUnmerger(_ current: KSMAttributes, isScopeSaid: Bool) {
        for attribute in [Attribute.merge_across_nodes, .run, .pages_to_scan, .advisor_mode] {
            if own[attribute] != Applier.text(current, attribute) { own[attribute] = nil }
            told[attribute] = nil
        }
        foreign[.merge_across_nodes] = nil
        let isChanged = Applier.text(seen, .merge_across_nodes) != Applier.text(current, .merge_across_nodes)
        if isChanged || isScopeSaid { try? saved.release(.merge_across_nodes) }
        seen = current
    }

    /// Puts back what an Unmerger that was killed had set for the time of its work.
    ///
    /// Whoever had set it before has: what somebody else had, and is respected, stays his.
    /// - Returns: whether it is there; `false` is to be tried again.
    func putBack(_ attribute: Attribute, found: String, in current: KSMAttributes) -> Bool {
        guard let value = Applier.text(current, attribute), value != found else { return true }
        // The kernel's advisor sets the batch, and refuses another.
        if attribute == .pages_to_scan, current.isAdvised { return true }
        return (try? sysfs.write(attribute, found)) != nil
    }

    /// Looks for values that somebody else has written since the last look.
    ///
    /// Under `respect` such an attribute is left alone from now on, until ksmd reloads, restarts or is told
    /// `ksmctl start`; under `retake` the next write takes it back. Each value is told once.
    /// - Parameter isHeld: somebody has said `ksmctl stop`, which writes `run` itself, or `ksmctl pause`.
    package func observe(_ current: KSMAttributes, isHeld: Bool) -> [ForeignWrite] {
        var news: [ForeignWrite] = []
        let advisorChanged = current[.advisor_mode] != seen[.advisor_mode]
        for attribute in Attribute.settings {
            guard let value = Applier.text(current, attribute) else { continue }
            if own[attribute] == value || slow.isUnderWay(attribute) {
                foreign[attribute] = nil
                told[attribute] = nil
                continue
            }
            // Whoever has said stop or pause has the say over `run`, also over what others had set.
            if attribute == .run && isHeld {
                foreign[attribute] = nil
                told[attribute] = nil
                continue
            }
            let expected = own[attribute] ?? foreign[attribute] ?? Applier.text(seen, attribute) ?? value
            if expected == value { continue }
            // Switching the advisor sets the batch as well (advisor_mode_store of mm/ksm.c).
            if attribute == .pages_to_scan && advisorChanged && own[attribute] == nil { continue }
            notice(attribute, expected: expected, found: value, &news)
        }
        seen = current
        return news
    }

    private func notice(_ attribute: Attribute, expected: String, found: String, _ news: inout [ForeignWrite]) {
        let wasOurs = own[attribute] != nil
        if told[attribute] != found {
            news.append(ForeignWrite(attribute: attribute, expected: expected, found: found, wasOurs: wasOurs))
            told[attribute] = found
        }
        guard handling == .respect else { return }
        foreign[attribute] = found
        own[attribute] = nil
        try? saved.release(attribute)
    }

    /// Does what a policy asks for, in its order, except that what has its value already is not written.
    /// - Returns: one outcome per write, and the children that were started for slow ones.
    package func apply(_ writes: [Write]) -> (applied: [Applied], children: [Int32]) {
        var children: [Int32] = []
        let applied = writes.map { write in
            let before = Applier.text(seen, write.attribute)
            return Applied(write: write, before: before, outcome: outcome(write, before, &children))
        }
        return (applied, children)
    }

    private func outcome(
        _ write: Write,
        _ before: String?,
        _ children: inout [Int32]
    ) -> Applied.Outcome {
        guard let before else { return .absent }
        if foreign[write.attribute] != nil { return .left }
        if before == write.value && !slow.isUnderWay(write.attribute) {
            own[write.attribute] = write.value
            return .unchanged
        }
        if write.attribute == .pages_to_scan && seen.isAdvised { return .left }
        if isDryRun { return .notTried }
        do {
            try saved.claim(write.attribute)
            guard write.attribute.writeCanBlock && isLive else { return try writeNow(write) }
            if let pid = try slow.start(write) { children.append(pid) }
            return .underWay
        } catch {
            return .failed(error)
        }
    }

    private func writeNow(_ write: Write) throws(SystemError) -> Applied.Outcome {
        try sysfs.write(write.attribute, write.value)
        return confirm(write)
    }

    /// Takes in the end of a slow write and reads the value back.
    package func finish(pid: Int32, status: Int32?) -> (applied: Applied, child: Int32?)? {
        slow.finish(pid: pid, status: status).map { finished($0) }
    }

    /// Waits for a slow write without a loop; `nil` when it has not ended in time.
    package func wait(pid: Int32, milliseconds: Int32) -> (applied: Applied, child: Int32?)? {
        slow.wait(pid: pid, milliseconds: milliseconds).map { finished($0) }
    }

    private func finished(_ outcome: SlowWriter.Outcome) -> (applied: Applied, child: Int32?) {
        let before = Applier.text(seen, outcome.write.attribute)
        let result = outcome.failure.map { Applied.Outcome.failed($0) } ?? confirm(outcome.write)
        let child = outcome.next.flatMap { try? $0.get() }
        return (Applied(write: outcome.write, before: before, outcome: result), child)
    }

    /// Reads back what was written: the kernel can have taken something else.
    private func confirm(_ write: Write) -> Applied.Outcome {
        guard let value = try? sysfs.read(write.attribute) else { return .written }
        let text = write.attribute == .run ? String((value.unsignedValue ?? 0) & 3) : value.description
        own[write.attribute] = text
        seen[write.attribute] = value
        if write.attribute == .advisor_mode, let batch = try? sysfs.read(.pages_to_scan) {
            seen[.pages_to_scan] = batch
        }
        return .written
    }

    /// The value as it would be written; `run` without the bit that is set while memory goes offline.
    static func text(_ attributes: KSMAttributes, _ attribute: Attribute) -> String? {
        attribute == .run ? attributes.run.map { String($0) } : attributes[attribute]?.description
    }
}
