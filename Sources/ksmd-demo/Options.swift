/// What the command line of `./run` says.
struct Options {
    /// How long ksmd tunes, in seconds.
    var seconds = 60
    /// Real QEMU guests to start; `nil` uses what runs on this machine, or embedded guests.
    var guests: Int?
    /// A simulated kernel even where the real one could be tuned.
    var simulate = false

    /// The text itself is in `./run`, which can print it without building this program.
    static let help = "The demonstration of ksmd: see ./run --help\n"

    /// - Returns: `nil` when help is wanted.
    static func parse(_ arguments: [String]) throws(Failure) -> Options? {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let attached = parts.count > 1 ? parts[1] : nil
            switch parts[0] {
            case "--help", "-h": return nil
            case "--simulate" where attached == nil: options.simulate = true
            case "--seconds":
                options.seconds = try number(parts[0], attached ?? rest.popFirst(), 5...86_400)
            case "--guests":
                options.guests = try number(parts[0], attached ?? rest.popFirst(), 1...32)
            default: throw Failure("there is no option \(argument)")
            }
        }
        return options
    }

    private static func number(_ option: String, _ text: String?, _ range: ClosedRange<Int>) throws(Failure) -> Int {
        guard let text, let value = Int(text), range.contains(value) else {
            let found = text.map { ", not \($0)" } ?? ""
            throw Failure("\(option) wants a number from \(range.lowerBound) to \(range.upperBound)\(found)")
        }
        return value
    }
}
