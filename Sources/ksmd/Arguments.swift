import KSMModel
import KSMTuner

/// What ksmd is asked to do.
enum Command: Equatable {
    case run(DaemonOptions)
    case restore(DaemonOptions)
    case help
    case version

    /// Parses the command line without the program's name.
    static func parse(_ arguments: [String]) throws(UsageError) -> Command {
        var options = DaemonOptions()
        var isRestore = false
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
            default: throw UsageError("unknown argument \"\(argument)\"; ksmd --help lists them")
            }
            if value != nil { throw UsageError("\(name) takes no value") }
        }
        return isRestore ? .restore(options) : .run(options)
    }

    private static func number(_ text: String, for name: String) throws(UsageError) -> UInt64 {
        guard let number = UInt64(text), number > 0 else {
            throw UsageError("\(name) takes a whole number above 0, not \"\(text)\"")
        }
        return number
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
