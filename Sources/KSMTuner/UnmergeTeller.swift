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
            result.account.pages == 0
            ? "nothing was merged" : "\(Human.count(result.account.pages, "page")) un-shared\(home(result.account))"
        guard let scope = request.scope else { return "\(copies); KSM is stopped" }
        return "merge_across_nodes is \(scope.value) (\(scope.rawValue)); \(copies)"
    }

    private static func home(_ account: CopyAccount) -> String {
        guard let permille = account.homePermille else { return "" }
        return ", \(permille / 10).\(permille % 10) % on the node where they belong"
    }

    static func entry(_ request: Unmerger.Request, _ result: Unmerger.Result) -> JournalEntry {
        let fields = [
            Reason.Field("OUTCOME", result.outcome.rawValue), Reason.Field("PAGES", result.account.pages),
            Reason.Field("MOVED", result.account.moved), Reason.Field("ASTRAY", result.account.astray),
            Reason.Field("MILLISECONDS", result.milliseconds),
        ]
        let what = request.scope.map { "change to \($0.rawValue)" } ?? "un-sharing"
        switch result.outcome {
        case .done, .unchanged:
            return JournalEntry(
                .info,
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
                "The \(what) was broken off and KSM is as before: \(result.sentence)",
                fields: fields
            )
        }
    }
}
