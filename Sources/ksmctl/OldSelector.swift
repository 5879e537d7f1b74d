import KSMReport

/// Which of the guests that run Debian's ksmtuned did not count.
///
/// It counts what `pgrep -f '^qemu-system.*-enable-kvm'` finds: neither `/usr/bin/qemu-system-x86_64`, as libvirt
/// starts it, nor `accel=kvm`.
struct OldSelector {
    /// How many names a sentence holds.
    private static let nameLimit = 10

    /// How many guests run.
    let running: Int
    /// The names of those that ksmtuned did not count.
    let missed: [String]

    /// - Parameter guests: names and command lines, the arguments ended by NUL.
    init(_ guests: [(name: String, commandLine: [UInt8])]) {
        running = guests.count
        missed = guests.filter { !OldSelector.counts($0.commandLine) }.map(\.name)
    }

    /// Whether the pattern matches: it is held against all arguments, joined by spaces.
    static func counts(_ commandLine: [UInt8]) -> Bool {
        let line = commandLine.map { $0 == 0 ? UInt8(ascii: " ") : $0 }
        guard line.starts(with: "qemu-system".utf8) else { return false }
        let rest = line.dropFirst("qemu-system".utf8.count)
        return rest.indices.contains { rest[$0...].starts(with: "-enable-kvm".utf8) }
    }

    /// What is to be said about it; `nil` when no guest runs.
    var sentence: String? {
        if running == 0 { return nil }
        let them = running == 1 ? "the guest that runs" : "all \(running) guests that run"
        if missed.isEmpty { return "Debian's ksmtuned counted \(them) now, and so does ksmd." }
        return
            "Debian's ksmtuned did not count \(missedGuests) now (\(names)): it looks for command lines that begin"
            + " with qemu-system and have -enable-kvm. ksmd counts \(running == 1 ? "it" : "all of them"), so merging"
            + " may start earlier."
    }

    private var missedGuests: String {
        if running == 1 { return "the guest that runs" }
        return "\(missed.count == running ? "any" : "\(missed.count)") of the \(running) guests that run"
    }

    private var names: String {
        let some = missed.prefix(OldSelector.nameLimit).map(Human.plain).joined(separator: ", ")
        let rest = missed.count - OldSelector.nameLimit
        return rest > 0 ? "\(some) and \(rest) more" : some
    }
}
