import Glibc
import KSMKernel
import KSMModel
import KSMPolicy
import KSMSystemd

/// The tuner and `merge_across_nodes`: it is written before anything is merged, and while somebody un-shares nothing is.
extension Tuner {
    /// Takes in what an Unmerger does, or has done since the last tick; puts back what one that was killed has left.
    /// - Parameter isFree: the lock is ours since before the settings were read.
    func share(_ isFree: Bool, _ entries: inout [JournalEntry]) {
        let wasUnmerging = isUnmerging
        isUnmerging = !isFree
        if isUnmerging != wasUnmerging { entries.append(teller.unmerging(isUnmerging)) }
        guard !isUnmerging else { return }
        let left = leftByUnmerger(&entries)
        let isNew = nodes.readByHand(root)
        let isScopeSaid = isNew && (nodes.byHand?.setting == .local || nodes.byHand?.setting == .across)
        if wasUnmerging || isNew || left != nil { applier.acceptUnmerger(sample.ksm, isScopeSaid: isScopeSaid) }
    }

    /// What an Unmerger that was killed has left, which comes back at once as far as it can.
    private func leftByUnmerger(_ entries: inout [JournalEntry]) -> [SavedSettings.Entry]? {
        guard !isDryRun else { return nil }
        do {
            let left = try SavedState.leftByUnmerger(root)
            if let left { putBack(left, &entries) } else { isInterruptionTold = false }
            return left
        } catch {
            if !isInterruptionTold { entries.append(teller.interrupted(error)) }
            isInterruptionTold = true
            return nil
        }
    }

    /// Whether this process may write now; takes in what an Unmerger has done.
    package func mayWrite() -> Bool {
        var entries: [JournalEntry] = []
        let isFree = takeLock()
        sample.ksm = sampler.ksm.readAll(problems: &sample.problems)
        share(isFree, &entries)
        return !isPaused
    }

    /// Shares the lock of those who write.
    ///
    /// Before the settings are read: what an Unmerger has set for the time of its work is no foreign write.
    /// - Returns: whether this process may write; a dry run and a recorded machine always may.
    func takeLock() -> Bool {
        guard root.isLive, !isDryRun, lock == nil else { return true }
        do {
            lock = try UnmergeLock(root, .shared)
        } catch {
            return error.errno != EWOULDBLOCK
        }
        return true
    }

    /// Lets go of the lock when no write is under way.
    func releaseLock() {
        if applier.slow.isIdle { lock = nil }
    }

    /// What an Unmerger that was killed has left comes back at once, but for `run`, which is the policy's to decide.
    ///
    /// Nothing is written here whose write can block the loop. The file stays until all of it has come back.
    private func putBack(_ left: [SavedSettings.Entry], _ entries: inout [JournalEntry]) {
        // One of another boot has nothing to put back.
        if !isInterruptionTold, !left.isEmpty { entries.append(teller.interrupted) }
        let isBack = left.filter { !$0.attribute.writeCanBlock }
            .filter { $0.attribute != .advisor_mode || settings.advisor == .keep }
            .map { applier.putBack($0.attribute, found: $0.found, in: sample.ksm) }
        isInterruptionTold = isBack.contains(false)
        if !isInterruptionTold { SavedState.forgetUnmerger(root) }
        sample.ksm = sampler.ksm.readAll(problems: &sample.problems)
    }

    /// Writes the scope where that is free.
    func writeScope(_ entries: inout [JournalEntry]) -> [Int32] {
        guard let scope = nodes.scope, scope.action == .write, let wanted = scope.wanted else { return [] }
        let decision = Decision(writes: [Write(.merge_across_nodes, wanted.value)], reason: scope.reason)
        let (applied, children) = applier.apply(decision.writes)
        entries += scopeJournal.take(applied, decision, teller)
        return children
    }

    /// A policy's writes, without the one that would begin to merge before the scope is set.
    func afterScope(_ writes: [Write]) -> [Write] {
        guard applier.slow.isUnderWay(.merge_across_nodes) else { return writes }
        return writes.filter { $0 != Write(.run, "1") }
    }

    /// The scope is written, or refused: what waited for it can go on.
    func afterScope(_ children: inout [Int32]) -> [JournalEntry] {
        guard let decision = lastDecision, !isUnmerging else { return [] }
        let (applied, others) = applier.apply(decision.writes)
        children += others
        return journal.take(applied, decision, teller)
    }
}
