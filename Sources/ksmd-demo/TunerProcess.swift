import Glibc
import KSMKernel
import KSMReport
import KSMTuner

/// The ksmd that the demonstration starts, or the one that runs already.
final class TunerProcess {
    /// What ksmd says about itself in its state file.
    struct Account {
        var state: String
        var reason: String
    }

    /// `nil` when ksmd was there before: then the demonstration only watches.
    private let child: Child?
    private let pid: pid_t
    private let root: String

    private init(child: Child?, pid: pid_t, root: String) {
        self.child = child
        self.pid = pid
        self.root = root
    }

    /// The demonstration's settings: ksmd acts at once and in large steps.
    static let configuration = """
        # Written by ./run for its demonstration: ksmd acts at once, looks every 2 seconds and takes large steps.
        [Tuner]
        Policy=classic
        Interval=2s

        [Scanner]
        ThresholdPercent=100
        BoostPages=2500
        MaximumPages=10000

        """

    /// What these settings mean, for the screen.
    static let explanation = """
        Demonstration settings: ksmd scans as soon as there is a guest
        (ThresholdPercent=100, once KSM_THRES_COEF=100), looks every 2 s instead of
        every 60, and may scan 10000 pages per batch instead of 1250.

        """

    /// Starts ksmd.
    /// - Parameters:
    ///   - directory: for its configuration and output.
    ///   - root: the directory of a simulated machine; `nil` is the running one.
    static func start(directory: String, root: String?) throws(Failure) -> TunerProcess {
        let program = Files.sibling("ksmd")
        guard access(program, X_OK) == 0 else { throw Failure("start", program, errno: errno) }
        let file = "\(directory)/ksmd.conf"
        try Files.write(file, configuration)
        let arguments = ["ksmd", "--config", file] + (root.map { ["--root", $0] } ?? [])
        // SIGTERM: should the demonstration be killed, ksmd still puts the settings back.
        let child = try Child.start(program, arguments, log: "\(directory)/ksmd.log", deathSignal: SIGTERM)
        return TunerProcess(child: child, pid: child.pid, root: root ?? "")
    }

    /// The tuner that runs on this machine.
    static func watch(_ pid: pid_t) -> TunerProcess { TunerProcess(child: nil, pid: pid, root: "") }

    /// Why ksmd has ended although nobody asked it to; `nil` while it runs.
    var failure: Failure? {
        guard let child, !child.isRunning else { return nil }
        return Failure("ksmd has \(child.obituary)")
    }

    /// What ksmd decided last; `nil` before its first tick, and of a tuner that is no ksmd.
    var account: Account? {
        let text = Files.text("\(root)/\(StateReport.path)", limit: 1 << 20)
        guard member("pid", text, quoted: false) == "\(pid)" else { return nil }
        guard let state = member("state", text), let reason = member("reason", text) else { return nil }
        return Account(state: state, reason: reason)
    }

    /// Ends ksmd, which puts back what it found.
    ///
    /// Where it did not end well, `ksmd --restore` does that.
    /// - Returns: whether it ended by itself, in time and without trouble.
    func end() -> Bool {
        guard let child else { return true }
        child.end(withinSeconds: 15)
        if child.endedWell { return true }
        let program = Files.sibling("ksmd")
        let arguments = ["ksmd", "--restore"] + (root.isEmpty ? [] : ["--root", root])
        let restorer = try? Child.start(program, arguments, log: child.log, deathSignal: SIGTERM)
        _ = restorer?.finish(withinSeconds: 15)
        return false
    }

    /// A member of the state file.
    ///
    /// Quotation marks inside a value are escaped there, so the first match is the member.
    private func member(_ name: String, _ text: String, quoted: Bool = true) -> String? {
        let key = quoted ? "\"\(name)\":\"" : "\"\(name)\":"
        guard let start = Search.end(of: key, in: text) else { return nil }
        var value = ""
        var rest = text[start...]
        while let character = rest.popFirst() {
            if character == "\\" {
                if let next = rest.popFirst() { value.append(next) }
            } else if quoted ? character == "\"" : !character.isNumber {
                return value
            } else {
                value.append(character)
            }
        }
        return nil
    }
}

/// Another tuner on this machine.
enum Search {
    /// A running ksmd has a lock; ksmtuned is known by its name.
    /// - Returns: its pid.
    static func otherTuner() -> pid_t? {
        guard let root = try? KernelRoot() else { return nil }
        if let holder = (try? InstanceLock.holder(root)) ?? nil { return holder }
        let names = (try? root.list("/proc")) ?? []
        return names.lazy.compactMap { pid_t($0) }.first { Files.text("/proc/\($0)/comm") == "ksmtuned\n" }
    }

    /// The index behind the first `pattern` in `text`. (The standard library has no search for text in text.)
    static func end(of pattern: String, in text: String) -> String.Index? {
        var start = text.startIndex
        while let found = text[start...].firstIndex(of: pattern[pattern.startIndex]) {
            if text[found...].hasPrefix(pattern) { return text.index(found, offsetBy: pattern.count) }
            start = text.index(after: found)
        }
        return nil
    }
}
