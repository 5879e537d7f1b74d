import KSMModel

/// Shared pages that guests have written while the scanner thread stood still.
///
/// `pages_sharing` still counts them: only a scanner that comes by takes a place out of its tree (mm/ksm.c,
/// get_next_rmap_item). The kernel's counter `cow_ksm` does not wait for it.
struct UnseenBreaks {
    /// The pass that was under way when the scanner went on, and one over everything.
    private static let passes: UInt64 = 2

    /// Where the counters stood when the scanner went on.
    private struct Resumption {
        var fullScans: UInt64
        var sharing: UInt64
    }

    private var last: UInt64?
    private var counted: UInt64 = 0
    private var resumption: Resumption?

    /// Takes in a sample.
    /// - Returns: its attributes as they would be had the scanner looked.
    mutating func take(_ sample: Sample) -> KSMAttributes {
        let ksm = sample.ksm
        let now = sample.events.cow_ksm
        let breaks = last.flatMap { last in now.map { $0.minus(last) } } ?? 0
        last = now
        guard let sharing = ksm.number(.pages_sharing), sharing > 0 else {
            (counted, resumption) = (0, nil)
            return ksm
        }
        if ksm.isRunning {
            guard counted > 0 else { return ksm }
            look(ksm, sharing)
        } else {
            (counted, resumption) = (unseen(sharing).plus(breaks), nil)
        }
        return corrected(ksm, sharing, unseen(sharing))
    }

    /// The scanner is at work, and will have seen everything after `passes`.
    private mutating func look(_ ksm: KSMAttributes, _ sharing: UInt64) {
        let scans = ksm.number(.full_scans) ?? 0
        let begun = resumption ?? Resumption(fullScans: scans, sharing: sharing)
        resumption = begun
        if scans.minus(begun.fullScans) >= UnseenBreaks.passes { (counted, resumption) = (0, nil) }
    }

    /// What it has taken out since is not counted twice.
    private func unseen(_ sharing: UInt64) -> UInt64 {
        counted.minus(resumption.map { $0.sharing.minus(sharing) } ?? 0)
    }

    private func corrected(_ ksm: KSMAttributes, _ sharing: UInt64, _ breaks: UInt64) -> KSMAttributes {
        guard breaks > 0 else { return ksm }
        let shared = ksm.number(.pages_shared) ?? 0
        let taken = min(sharing, UInt64(bounded: Double(breaks) * ksm.pagesPerBreak))
        var corrected = ksm
        corrected[.pages_sharing] = .unsigned(sharing - taken)
        corrected[.pages_shared] = .unsigned(shared.minus(breaks.minus(taken)))
        return corrected
    }
}

extension KSMAttributes {
    /// Memory that one break takes, in pages.
    ///
    /// Each takes a page but the last of pages that were equal, which gives the kept one back: one page when few guests
    /// diverge, sharing ÷ (shared + sharing) when all do. The geometric middle is off by at most √2 either way.
    var pagesPerBreak: Double {
        let sharing = Double(number(.pages_sharing) ?? 0)
        let places = sharing + Double(number(.pages_shared) ?? 0)
        // A shared page has at least two users, but for those whose other users have gone already.
        return places > 0 ? max(sharing / places, 0.5).squareRoot() : 1
    }
}
