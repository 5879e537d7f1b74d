import KSMModel
import KSMKernel
import KSMReport
import KSMTuner

/// What `numa set` and `unmerge` say about what they did or would do.
struct UnmergeOutcome {
    /// What the command knows beside the un-sharing itself.
    struct Extra {
        /// What has been set by hand; `nil` for `unmerge`.
        var setting: ScopeSetting?
        /// The daemon that has been told.
        var daemon: Int32?
        /// One sentence more.
        var remark: String?
    }

    var outcome: String
    var sentence: String
    /// `nil` where nothing had to be planned.
    var plan: UnmergePlan?
    var account: CopyAccount?
    var milliseconds: UInt64?
    var extra: Extra

    init(outcome: String, sentence: String, plan: UnmergePlan? = nil, extra: Extra) {
        self.outcome = outcome
        self.sentence = sentence
        self.plan = plan
        self.extra = extra
    }

    init(_ result: Unmerger.Result, extra: Extra) {
        outcome = result.outcome.rawValue
        sentence = result.sentence
        // With nothing to do nothing was planned.
        plan = result.outcome == .unchanged ? nil : result.plan
        account = result.account
        milliseconds = result.milliseconds
        self.extra = extra
    }

    /// For people.
    var text: String {
        let time = milliseconds.map { " in \(Human.interval(milliseconds: $0))" } ?? ""
        var result = TextLayout.wrap(Human.plain(sentence + (outcome == "done" ? time : "") + "."))
        if let remark = extra.remark { result += TextLayout.wrap(Human.plain(remark)) }
        for remark in account?.remarks ?? [] { result += TextLayout.wrap(Human.plain(remark), first: "- ", indent: 2) }
        return result
    }

    /// The plan for people.
    var planText: String {
        var result = plan.map { UnmergePlanReport($0).text(pageSize: GuestDirectory.pageSize) } ?? ""
        if let remark = extra.remark { result = TextLayout.wrap(Human.plain(remark)) + result }
        let verdict = outcome == "refused" ? "It would be refused." : "It would be done."
        return result + "\n" + verdict + "\n"
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("outcome", outcome)
            json.member("sentence", sentence)
            json.member("setting", extra.setting?.rawValue)
            json.member("remark", extra.remark)
            json.member("daemon_pid", extra.daemon)
            json.member("milliseconds", milliseconds)
            if let plan {
                UnmergePlanReport(plan).write("plan", to: &json)
            } else {
                json.member("plan", String?.none)
            }
            json.optional("account", account) { UnmergeOutcome.write($0, to: &$1) }
        }
    }

    private static func write(_ account: CopyAccount, to json: inout JSONWriter) {
        json.member("processes", account.processes)
        json.member("unshared", account.unshared)
        json.member("pages", account.pages)
        json.array("copied") { json in
            for (node, pages) in account.copied.sorted(by: { $0.key < $1.key }) {
                json.object { json in
                    json.member("node", node)
                    json.member("pages", pages)
                }
            }
        }
        json.member("home", account.home)
        json.member("moved", account.moved)
        json.member("astray", account.astray)
        json.member("unseen", account.unseen)
        json.member("home_permille", account.homePermille)
        json.member("remarks", account.remarks)
    }
}
