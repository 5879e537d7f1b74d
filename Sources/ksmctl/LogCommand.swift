import ArgumentParser
import Glibc
import KSMClient
import KSMLog
import KSMSystemd
import KSMTuner

/// `ksmctl log`.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Read back from the journal what ksmd has done and why.",
        discussion: "TIME is as for journalctl: '2026-11-28 05:10', 'yesterday', '2h ago', '-30min'."
    )

    @Option(parsing: .unconditional, help: ArgumentHelp("Only entries from that time on.", valueName: "time"))
    var since: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Only entries up to that time.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("Only entries about that guest.", valueName: "name"))
    var guest: String?

    @Option(help: ArgumentHelp("Only entries about that NUMA node.", valueName: "n"))
    var node: UInt32?

    @Option(
        name: .customLong("kind"),
        help: "Only entries of that kind; several with commas, or the option again.",
        completion: .list(MessageID.allCases.map(\.kind))
    )
    var kinds: [String] = []

    @Option(help: ArgumentHelp("Only entries of that host.", valueName: "name"))
    var host: String?

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Only the last so many entries.", valueName: "n"))
    var lines: UInt?

    @Flag(name: [.customShort("r"), .customLong("reverse")], help: "Newest first.")
    var isReversed = false

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on with new entries; the last 10 first.")
    var isFollowing = false

    @Flag(name: .customLong("json"), help: "Print JSON, one object a line.")
    var wantsJSON = false

    @Option(
        name: [.customShort("D"), .long],
        help: ArgumentHelp("Read the journal in this directory.", valueName: "dir"),
        completion: .directory
    )
    var directory: String?

    @Option(
        name: .customLong("file"),
        help: ArgumentHelp("Read this file of a journal.", valueName: "file"),
        completion: .file()
    )
    var files: [String] = []

    func validate() throws {
        if directory != nil, !files.isEmpty {
            throw ValidationError("'--directory' and '--file' are one or the other")
        }
        if isFollowing, isReversed { throw ValidationError("'--follow' and '--reverse' are one or the other") }
        if isFollowing, until != nil { throw ValidationError("'--follow' and '--until' are one or the other") }
        _ = try selection()
        _ = try range(LocalClock.zone())
    }

    func run() throws {
        do {
            let zone = LocalClock.zone()
            let reader = try open()
            let selection = try selection()
            try reader.select(selection)
            var walk = LogWalk(reader, try range(zone), wantsJSON ? nil : text(reader, selection, zone))
            if isReversed { return try walk.backward(lines: lines) }
            if isFollowing { try reader.watch() }
            try walk.forward(lines: lines ?? (isFollowing && since == nil ? LogCommand.linesBeforeFollowing : nil))
            if isFollowing { try walk.follow() }
        } catch let error as SystemdError {
            throw LogCommand.failure(error)
        }
    }

    /// As journalctl --follow.
    private static let linesBeforeFollowing: UInt = 10

    /// More names than this do not make the column wider.
    private static let hostLimit = 1000

    private func open() throws -> JournalReader {
        do {
            let reader = try JournalReader(place)
            if !reader.isEmpty { return reader }
        } catch let error where error.code == ENODATA {
            // A file without a byte.
        }
        throw noJournal
    }

    private var noJournal: Failure {
        let remedy = geteuid() == 0 || !files.isEmpty ? "" : ", or none that you may read (run it as root)"
        return Failure(ExitStatus.failure, "There is no journal\(LogCommand.inPlace(directory, files))\(remedy)")
    }

    private static func inPlace(_ directory: String?, _ files: [String]) -> String {
        if let directory { return " in \(directory)" }
        if files.isEmpty { return "" }
        return " in \(files.count > 1 ? "one of " : "")\(files.joined(separator: ", "))"
    }

    private var place: JournalReader.Place {
        if let directory { return .directory(directory) }
        return files.isEmpty ? .system(isLocal: host == nil) : .files(files)
    }

    private func selection() throws -> JournalSelection {
        var selection = JournalSelection()
        selection.kinds = try LogKinds.parse(kinds)
        (selection.guest, selection.node, selection.host) = (guest, node, host)
        return selection
    }

    private func range(_ zone: LocalZone) throws -> LogRange {
        try LogRange(since: since, until: until, now: LocalClock.now(), zone: zone)
    }

    private func text(_ reader: JournalReader, _ selection: JournalSelection, _ zone: LocalZone) -> LogText {
        let hosts = host == nil ? reader.hosts(atMost: LogCommand.hostLimit) : []
        return LogText(zone: zone, kinds: selection.kinds.map(\.kind), hosts: hosts)
    }

    private static func failure(_ error: SystemdError) -> Failure {
        let isForbidden = error.code == EACCES || error.code == EPERM
        let remedy = isForbidden && geteuid() != 0 ? " (run it as root)" : ""
        let cause = String(cString: strerror(error.code))
        return Failure(ExitStatus.failure, "Failed to \(error.operation): \(cause)\(remedy)")
    }
}
