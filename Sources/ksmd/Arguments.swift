import KSMKernel
import KSMModel
import KSMTuner

/// What ksmd is asked to do.
enum Command: Equatable {
    case run(DaemonOptions)
    case restore(DaemonOptions)
    /// Hidden: the daemon asks itself.
    case survey(SurveyCommand)
    /// Hidden too.
    case setScope(ScopeCommand)
    /// Hidden: the same through `ksmd-helper.socket`, and the other end of that.
    case throughHelper([String])
    case serve
    case help
    case version

    /// Parses the command line without the program's name.
    static func parse(_ arguments: [String]) throws(UsageError) -> Command {
        if arguments.first == HelperSocket.option { return .throughHelper(Array(arguments.dropFirst())) }
        if arguments == ["--serve"] { return .serve }
        var options = DaemonOptions()
        var isRestore = false
        var survey: SurveyCommand?
        var scope: ScopeCommand?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = argument.hasPrefix("--") ? String(parts[0]) : argument
            var value: String? = argument.hasPrefix("--") && parts.count > 1 ? String(parts[1]) : nil
            func needed() throws(UsageError) -> String {
                guard let found = value ?? rest.popFirst() else { throw UsageError("\(name) needs a value") }
                value = nil
                return found
            }
            switch name {
            case "--help", "-h": return .help
            case "--version": return .version
            case "--root": options.root = try needed()
            case "--config": options.configFile = try needed()
            case "--ticks": options.ticks = try number(needed(), for: name)
            case "--policy": options.policy = try policy(needed())
            case "--dry-run": options.dryRun = true
            case "--json": options.json = true
            case "--restore": isRestore = true
            case "--set-scope": scope = try ScopeCommand(named(needed(), for: name), options)
            case "--by" where scope != nil: scope?.by = try needed()
            case "--force" where scope != nil: scope?.isForced = true
            case "--survey": survey = SurveyCommand()
            case "--full" where survey != nil: survey?.budget.isFull = true
            case "--samples" where survey != nil: try survey?.budget.setPerGuest(number(needed(), for: name))
            case _ where survey != nil && !name.hasPrefix("-"): try survey?.guests.append(guest(argument))
            default: throw UsageError("unknown argument \"\(argument)\"; ksmd --help lists them")
            }
            if value != nil { throw UsageError("\(name) takes no value") }
        }
        if let survey {
            guard options == DaemonOptions(), !isRestore else { throw UsageError("--survey goes with no other option") }
            return .survey(survey)
        }
        if var scope {
            scope.options = options
            return .setScope(scope)
        }
        return isRestore ? .restore(options) : .run(options)
    }

    private static func number(_ text: String, for name: String) throws(UsageError) -> UInt64 {
        guard let number = UInt64(text), number > 0 else {
            throw UsageError("\(name) takes a whole number above 0, not \"\(text)\"")
        }
        return number
    }

    /// `PID` or `PID:STARTTICKS`.
    private static func guest(_ text: String) throws(UsageError) -> SurveyedGuest {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let pid = Int32(parts[0]), pid > 0, let ticks = parts.count == 2 ? UInt64(parts[1]) : 0
        else { throw UsageError("--survey takes PID:STARTTICKS, not \"\(text)\"") }
        return SurveyedGuest(pid: pid, startTicks: ticks)
    }

    private static func named(_ text: String, for name: String) throws(UsageError) -> MergeScope? {
        if text == "none" { return nil }
        guard let scope = MergeScope(rawValue: text) else {
            throw UsageError("\(name) takes local, across or none, not \"\(text)\"")
        }
        return scope
    }

    private static func policy(_ text: String) throws(UsageError) -> PolicyName {
        guard let policy = PolicyName(rawValue: text) else {
            let names = PolicyName.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("there is no policy \"\(text)\"; --policy takes \(names)")
        }
        return policy
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
