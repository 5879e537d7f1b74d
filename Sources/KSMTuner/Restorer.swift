package import KSMKernel
import KSMModel
import KSMPolicy
import KSMSystemd
import KSMText

/// Puts back what was found, step by step; a step that can block is written by a child, as everywhere.
package final class Restorer {
    private let sysfs: KSMSysfs
    private let saved: SavedState
    private let slow: SlowWriter
    private let isLive: Bool
    private let postponed: [RestorePlan.Postponed]
    private var steps: [Write]
    private var failures: [(write: Write, error: SystemError)] = []
    private let isComplete: Bool
    /// What only a later version can put back.
    private let unknown: [String]
    private let wasUnmerged: Bool

    /// - Parameters:
    ///   - slow: the writer that may still have a write under way; what comes back waits for it.
    ///   - keepStopped: leave `run` at 0 whatever was found.
    ///   - isHeld: `ksmctl stop` holds KSM: the same, and what was found is kept for later.
    package init(
        _ sysfs: KSMSysfs,
        _ saved: SavedState,
        _ slow: SlowWriter,
        isLive: Bool,
        keepStopped: Bool,
        isHeld: Bool
    ) {
        self.sysfs = sysfs
        self.saved = saved
        self.slow = slow
        self.isLive = isLive
        var unread: [String] = []
        var current = sysfs.readAll(problems: &unread)
        // A write that is under way changes what is there now: then `run` is put back whatever it reads.
        if slow.isUnderWay(.run) { current[.run] = nil }
        let plan = RestorePlan(saved.settings, current: current, keepStopped: keepStopped, isHeld: isHeld)
        steps = plan.writes
        postponed = plan.postponed
        unknown = saved.settings.unknown.filter(\.isOurs).map { Array($0.text.utf8).span.printable(limit: 80) }
        isComplete = !saved.settings.hasOurs
        wasUnmerged = saved.settings[.run].map { $0.isOurs && $0.found != "0" && $0.found != "1" } ?? false
    }

    /// Does the next steps.
    ///
    /// - Returns: the child to wait for; `nil` when all is done or an earlier child ends first.
    package func advance() -> Int32? {
        while let step = steps.first {
            do {
                try saved.claim(step.attribute)
                if step.attribute.writeCanBlock && isLive { return try slow.start(step) }
                try sysfs.write(step.attribute, step.value)
            } catch {
                failures.append((step, error))
            }
            steps.removeFirst()
        }
        return nil
    }

    /// Nothing is left to do.
    package var isDone: Bool { steps.isEmpty && slow.isIdle }

    /// Takes in the end of a child.
    ///
    /// - Returns: the next child to wait for.
    package func finish(pid: Int32, status: Int32?) -> Int32? {
        guard let outcome = slow.finish(pid: pid, status: status) else { return nil }
        if case .success(let next) = outcome.next { return next }
        guard let step = steps.first, outcome.write == step else { return advance() }
        if let error = outcome.failure { failures.append((step, error)) }
        steps.removeFirst()
        return advance()
    }

    /// Runs to the end without a loop.
    package func run(milliseconds: Int32) {
        var child = advance()
        while let pid = child, let outcome = slow.waitEnd(pid: pid, milliseconds: milliseconds) {
            child = finish(pid: pid, status: outcome)
        }
    }

    /// Keeps what could not be put back for later, and says how it went.
    package func conclude() -> JournalEntry? {
        var remaining = postponed.map(\.attribute) + failures.map(\.write.attribute) + steps.map(\.attribute)
        remaining = Attribute.allCases.filter { remaining.contains($0) }
        var sentences = postponed.map(\.sentence)
        sentences += failures.map { "\($0.error), so \($0.write.attribute.name) is not back at \($0.write.value)" }
        if !steps.isEmpty {
            let names = steps.map { "\($0.attribute.name)=\($0.value)" }.joined(separator: ", ")
            sentences.append("the kernel has not taken \(names) in time")
        }
        if !unknown.isEmpty {
            sentences.append("only a later ksmd, which set it, can put back \(unknown.joined(separator: ", "))")
        }
        do {
            try saved.keepOnly(remaining)
        } catch {
            sentences.append(error.description)
        }
        if !sentences.isEmpty {
            return JournalEntry(
                .warning,
                .restoreIncomplete,
                "Not everything is as ksmd found it: \(sentences.joined(separator: "; "))"
            )
        }
        if isComplete { return nil }
        if wasUnmerged {
            return JournalEntry(
                .info,
                .settingsRestored,
                "KSM's settings are as ksmd found them, but for run: not found at 0 or 1, it is 0, which leaves merged what ksmd has merged"
            )
        }
        return JournalEntry(.info, .settingsRestored, "KSM's settings are as ksmd found them")
    }

    /// Whether all is as it was found.
    package var succeeded: Bool { !failed && postponed.isEmpty && unknown.isEmpty }

    /// Whether something should have come back and did not; what has to wait is no failure of ksmd's.
    package var failed: Bool { !failures.isEmpty || !steps.isEmpty }
}
