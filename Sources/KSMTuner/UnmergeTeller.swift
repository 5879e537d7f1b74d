import KSMModel
import KSMReport
import KSMSystemd

/// The sentences of the Unmerger.
enum UnmergeTeller {
    static func inPlace(_ request: Unmerger.Request) -> String {
        guard let scope = request.scope else { return "nothing is merged, and KSM is stopped" }
        return "merge_across_nodes is \(scope.value) (\(scope.rawValue)) already"
    }

    static func done(_ request: Unmerger.Request, _ result: Unmerger.Result) -> String {
        let copies =
            result.account.all == 0
            ? "nothing was merged" : "\(Human.count(result.account.all, "page")) un-shared\(home(result.account))"
        guard let scope = request.scope else { return "\(copies); KSM is stopped" }
        return "merge_across_nodes is \(scope.value) (\(scope.rawValue)); \(copies)"
    }

    private static func home(_ account: CopyAccount) -> String {
        guard let permille = account.homePermille else { return "" }
        return ", \(permille / 10).\(permille % 10) % on the node where they belong"
    }

    /// What a broken-off un-sharing leaves.
    private static func rest(_ result: Unmerger.Result) -> String {
        let pages = result.account.all
        let copies =
            pages == 0 ? "" : "; \(Human.count(pages, "page")) have been un-shared, for the scanner to merge again"
        return copies + (result.isRestored ? "; KSM's settings are as before" : "")
    }

    /// - Parameters:
    ///   - sample: after it.
    ///   - savedBefore: bytes.
    static func entry(
        _ request: Unmerger.Request,
        _ result: Unmerger.Result,
        _ sample: Sample,
        savedBefore: UInt64?
    ) -> JournalEntry {
        let before = savedBefore.map { [Reason.Field(.savedBytesBefore, $0)] } ?? []
        let fields =
            before + ChangeContext.figures(sample, ScannerAccount()) + [
                Reason.Field(.outcome, result.outcome.rawValue), Reason.Field(.pages, result.account.all),
                Reason.Field(.moved, result.account.moved), Reason.Field(.astray, result.account.astray),
                Reason.Field(.milliseconds, result.milliseconds),
            ]
        let what = request.scope.map { "change to \($0.rawValue)" } ?? "un-sharing"
        switch result.outcome {
        case .done, .unchanged:
            return JournalEntry(
                .notice,
                request.scope == nil ? .unmerged : .scopeChanged,
                "Memory merging: \(result.sentence)",
                fields: fields
            )
        case .refused:
            return JournalEntry(.notice, .scopeRefused, "The \(what) was refused: \(result.sentence)", fields: fields)
        case .aborted, .failed:
            return JournalEntry(
                .warning,
                .unmergeFailed,
                "The \(what) was broken off: \(result.sentence)\(rest(result))",
                fields: fields
            )
        }
    }
}
