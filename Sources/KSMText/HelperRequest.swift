/// What the daemon asks of `ksmd-helper@.service`: a command line of ksmd, one argument a line, then an empty line, then
/// what the command reads on its standard input.
package struct HelperRequest: Equatable, Sendable {
    /// A longer request is none: 2,000 guests take 50 kB.
    package static let limit = 1 << 20

    package var arguments: [String]
    package var input: [UInt8]

    package init(_ arguments: [String], input: [UInt8] = []) {
        self.arguments = arguments
        self.input = input
    }

    package var bytes: [UInt8] {
        arguments.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] } + [UInt8(ascii: "\n")] + input
    }

    /// Reads a request; `nil` for one that is cut off, is not text, or asks for anything but a survey or a change of scope.
    ///
    /// The daemon's user can send anything, with more rights behind the socket than it has: no file's name and no other
    /// option goes through.
    package static func parse(_ bytes: Span<UInt8>) -> HelperRequest? {
        guard bytes.count <= limit else { return nil }
        var arguments: [String] = []
        var start = 0
        for index in 0..<bytes.count where bytes[index] == UInt8(ascii: "\n") {
            if index == start {
                let request = HelperRequest(arguments, input: list(bytes, (index + 1)..<bytes.count))
                return request.isAllowed ? request : nil
            }
            guard let argument = String(validating: list(bytes, start..<index), as: UTF8.self) else { return nil }
            arguments.append(argument)
            start = index + 1
            // No command has more.
            if arguments.count > 3 { return nil }
        }
        return nil
    }

    private var isAllowed: Bool {
        guard let first = arguments.first, !arguments.contains(where: { $0.utf8.contains(0) }) else { return false }
        if first == "--survey" { return arguments.count == 1 }
        guard first.hasPrefix("--set-scope=") else { return false }
        return arguments.dropFirst().allSatisfy { $0 == "--force" || $0.hasPrefix("--by=") }
    }

    private static func list(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        range.map { bytes[$0] }
    }
}
