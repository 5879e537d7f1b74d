import FoundationEssentials
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// Reads `/run/ksmd/state.json`, leniently: what is missing or of another type is left at its default.
enum StateReader {
    /// A report about 2,000 guests has about 400 KB.
    static let sizeLimit = 8 << 20

    /// Why the file is of no use.
    struct Unusable: Error, CustomStringConvertible {
        var cause: String
        var description: String { "Failed to read \(StateFile.path): \(cause)" }
    }

    /// - Throws: `SystemError` when it cannot be read, `Unusable` when it is not what it should be.
    static func read(_ root: KernelRoot) throws -> StateReport {
        try parse(try root.readFile(StateFile.path, limit: sizeLimit))
    }

    static func parse(_ bytes: [UInt8]) throws -> StateReport {
        let file: Contents
        do {
            file = try JSONDecoder().decode(Contents.self, from: Data(bytes))
        } catch {
            throw Unusable(cause: "it is not a report of ksmd")
        }
        guard let version = file.version, FormatVersion.isReadable(version, by: StateReport.version) else {
            let found = file.version.map(String.init) ?? "none"
            throw Unusable(cause: "its version is \(found), this ksmctl knows \(StateReport.version)")
        }
        return file.report
    }
}

/// The members of the file, as far as they can be made sense of.
private struct Contents: Decodable {
    var version: UInt64?
    var report: StateReport

    private struct HoldContents: Decodable {
        var hold: StateReport.Hold

        init(from decoder: any Decoder) throws {
            let members = try JSONMembers(decoder)
            hold = .init(
                members.value("kind").flatMap { StateReport.Hold.Kind(rawValue: $0) } ?? .stop,
                by: members.value("by") ?? "somebody",
                sinceRealtimeSeconds: members.value("since_realtime")
            )
            hold.untilRealtimeSeconds = members.value("until_realtime")
            hold.reason = members.value("reason")
        }
    }

    private struct EventContents: Decodable {
        var source: StateReport.EventSource?

        init(from decoder: any Decoder) throws {
            let members = try JSONMembers(decoder)
            guard let name = members.value("source").flatMap({ EventSourceName(rawValue: $0) }),
                let condition = members.value("condition").flatMap({ StateReport.EventSource.Condition(rawValue: $0) })
            else { return }
            source = .init(name, condition, members.value("detail"))
        }
    }

    private struct GuestContents: Decodable {
        var guest: StateReport.Guest?

        init(from decoder: any Decoder) throws {
            let members = try JSONMembers(decoder)
            guard let pid: Int32 = members.value("pid"), let ticks: UInt64 = members.value("start_ticks") else {
                return
            }
            var guest = StateReport.Guest(
                name: members.value("name") ?? "",
                pid: pid,
                startTicks: ticks,
                rssBytes: members.value("rss_bytes") ?? 0
            )
            guest.mergedBytes = members.value("merged_bytes")
            guest.savedBytes = members.value("saved_bytes")
            guest.profitBytes = members.value("profit_bytes")
            self.guest = guest
        }
    }

    init(from decoder: any Decoder) throws {
        let members = try JSONMembers(decoder)
        version = members.value("version")
        report = StateReport(
            pid: members.value("pid") ?? 0,
            daemonVersion: members.value("daemon_version") ?? "?",
            policy: members.value("policy") ?? "?"
        )
        readProgress(members)
        readFigures(members)
        readSettings(members)
    }

    private mutating func readProgress(_ members: JSONMembers) {
        report.startedBootSeconds = members.value("started_boottime") ?? 0
        report.startedRealtimeSeconds = members.value("started_realtime") ?? 0
        report.state = members.word("state") ?? .starting
        report.reasonCode = members.value("reason_code") ?? ""
        report.reason = members.value("reason") ?? ""
        report.tick = members.value("tick") ?? 0
        report.lastTickRealtimeSeconds = members.value("last_tick_realtime")
        report.intervalMilliseconds = members.value("interval_ms") ?? 0
        report.scanningStoppedRealtimeSeconds = members.value("scanning_stopped_realtime")
    }

    private mutating func readFigures(_ members: JSONMembers) {
        report.savedBytes = members.value("saved_bytes")
        report.netSavedBytes = members.value("net_saved_bytes")
        report.scannerCPUNanoseconds = members.nanoseconds("scanner_cpu_seconds")
        report.scannerCPUPermille = members.value("scanner_cpu_permille")
        report.warnings = members.value("warnings") ?? []
    }

    private mutating func readSettings(_ members: JSONMembers) {
        report.events = members.value("events", as: [EventContents].self)?.compactMap(\.source) ?? []
        report.hold = members.value("hold", as: HoldContents.self)?.hold
        report.foreign = members.value("foreign", as: [String].self)?.compactMap { Attribute(name: $0) } ?? []
        report.written = Contents.writes(members.value("written"))
        report.found = Contents.writes(members.value("found"))
        report.numa = members.value("numa", as: NUMAContents.self)?.numa
        report.guests = members.value("guests", as: [GuestContents].self)?.compactMap(\.guest) ?? []
    }

    /// Settings in the order of the attributes: JSON objects have none.
    private static func writes(_ values: [String: String]?) -> [Write] {
        Attribute.allCases.compactMap { attribute in values?[attribute.name].map { Write(attribute, $0) } }
    }
}
