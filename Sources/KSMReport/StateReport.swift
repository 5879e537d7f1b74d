package import KSMModel

/// What only the running daemon knows, as it stands in `/run/ksmd/state.json`.
///
/// The daemon writes the text (world-readable, replaced atomically) after every tick and at every change of state;
/// `ksmctl` reads it. Times are whole seconds of the clock that the name gives.
package struct StateReport: Equatable, Sendable {
    /// The version of the schema; see `FormatVersion`.
    package static let version: UInt64 = 1
    /// The file, below the machine's root.
    package static let path = "run/ksmd/state.json"

    /// What the daemon is doing.
    package enum State: String, CaseIterable, Sendable {
        /// Before the first tick.
        case starting
        /// `run` is 1 by the policy's decision.
        case scanning
        /// `run` is 0 by the policy's decision.
        case stopped
        /// An operator said `ksmctl stop`; only `ksmctl start` ends it.
        case held
        /// An operator said `ksmctl pause`; it ends by itself, or with `ksmctl resume`.
        case paused
        /// Another writer changed the settings and has the say (`ForeignWrites=respect`).
        case foreign
        /// A write to `run` has not come back: the scanner's batch, or another writer, holds the kernel's lock.
        case waiting
        /// Somebody un-shares memory: ksmd writes nothing until that has ended.
        case unmerging
        /// The settings cannot be written.
        case failed
    }

    /// Who stopped KSM by hand, and since when.
    package struct Hold: Equatable, Sendable {
        /// How it ends.
        package enum Kind: String, CaseIterable, Sendable {
            /// With `ksmctl start`.
            case stop
            /// By itself, or with `ksmctl resume`.
            case pause
        }

        /// How it ends.
        package var kind: Kind
        /// The user who asked, as text.
        package var by: String
        /// CLOCK_REALTIME seconds; `nil` where the hold does not say.
        package var sinceRealtimeSeconds: UInt64?
        /// CLOCK_REALTIME seconds at which a pause ends by itself.
        package var untilRealtimeSeconds: UInt64?
        /// Why, in the words of who asked.
        package var reason: String?

        /// Who holds, and since when if that is known.
        package init(_ kind: Kind = .stop, by: String, sinceRealtimeSeconds: UInt64?) {
            self.kind = kind
            self.by = by
            self.sinceRealtimeSeconds = sinceRealtimeSeconds
        }
    }

    /// Whether one event source is there.
    package struct EventSource: Equatable, Sendable {
        /// What became of it.
        package enum Condition: String, CaseIterable, Sendable {
            /// It is watched.
            case active
            /// The configuration leaves it out.
            case off
            /// This host does not have it, or does not let ksmd.
            case unavailable
        }

        /// Which one.
        package var name: EventSourceName
        /// What became of it.
        package var condition: Condition
        /// What exactly is watched, or why it cannot be.
        package var detail: String?

        /// A source and what became of it.
        package init(_ name: EventSourceName, _ condition: Condition, _ detail: String? = nil) {
            self.name = name
            self.condition = condition
            self.detail = detail
        }
    }

    /// One guest at the last tick.
    package struct Guest: Equatable, Sendable {
        /// From the command line, else the process name.
        package var name: String
        /// The process.
        package var pid: Int32
        /// Start time in clock ticks since boot; with the pid it names the process for ever.
        package var startTicks: UInt64
        /// Resident memory; merged pages count in full.
        package var rssBytes: UInt64
        /// Merged memory, the kept copies included; `nil` where ksmd cannot see it.
        package var mergedBytes: UInt64?
        /// The guest's part of what the host saves.
        package var savedBytes: UInt64?
        /// `ksm_process_profit` of the kernel (6.4+), which can be negative.
        package var profitBytes: Int64?

        /// A guest of which no more than its size is known.
        package init(name: String, pid: Int32, startTicks: UInt64, rssBytes: UInt64) {
            self.name = name
            self.pid = pid
            self.startTicks = startTicks
            self.rssBytes = rssBytes
        }
    }

    /// The daemon's process.
    package var pid: Int32
    /// The version of the program ksmd.
    package var daemonVersion: String
    /// The name of the policy.
    package var policy: String
    /// CLOCK_BOOTTIME when the daemon started.
    package var startedBootSeconds: UInt64 = 0
    /// CLOCK_REALTIME when the daemon started.
    package var startedRealtimeSeconds: UInt64 = 0

    /// What it is doing; `reason` says why.
    package var state: State = .starting
    /// Stable, for machines.
    package var reasonCode = ""
    /// One sentence.
    package var reason = ""

    /// Ticks completed since the start.
    package var tick: UInt64 = 0
    /// CLOCK_REALTIME at the end of the last tick; `nil` before the first.
    package var lastTickRealtimeSeconds: UInt64?
    /// The time between two ticks.
    package var intervalMilliseconds: UInt64 = 0
    /// CLOCK_REALTIME when scanning last stopped; `nil` while it goes on, or when ksmd never saw it go on.
    package var scanningStoppedRealtimeSeconds: UInt64?

    /// Memory saved at the last tick, bookkeeping not deducted.
    package var savedBytes: UInt64?
    /// The same less the kernel's bookkeeping; negative where KSM costs more than it saves.
    package var netSavedBytes: Int64?
    /// CPU time of the scanner thread since the daemon started.
    package var scannerCPUNanoseconds: UInt64?
    /// Share of one core that the scanner thread used in the last interval.
    package var scannerCPUPermille: UInt32?

    /// Nodes and the scope of merging; `nil` before the first tick.
    package var numa: NUMA?

    /// What can make ksmd look before its interval is over.
    package var events: [EventSource] = []
    /// Sentences for the operator.
    package var warnings: [String] = []
    /// The operator's stop, while it lasts.
    package var hold: Hold?
    /// What ksmd has set, by its own writes.
    package var written: [Write] = []
    /// Attributes that somebody else has changed since.
    package var foreign: [Attribute] = []
    /// What was there before ksmd and is still to come back.
    package var found: [Write] = []
    /// In the order of their pids.
    package var guests: [Guest] = []

    /// A daemon that has just started.
    package init(pid: Int32, daemonVersion: String, policy: String) {
        self.pid = pid
        self.daemonVersion = daemonVersion
        self.policy = policy
    }
}

extension StateReport.Guest {
    /// What a sample says about a guest.
    /// - Parameters:
    ///   - host: the attributes of the same sample.
    ///   - pageSize: bytes per page of the host.
    package init(_ guest: KSMModel.Guest, host: KSMAttributes, pageSize: UInt64) {
        self.init(
            name: guest.name,
            pid: guest.pid,
            startTicks: guest.startTicks,
            rssBytes: guest.rssKiB.multipliedReportingOverflow(by: 1024).partialValue
        )
        mergedBytes = guest.mergingPages.map { $0.multipliedReportingOverflow(by: pageSize).partialValue }
        savedBytes = guest.savedBytes(host, pageSize: pageSize)
        profitBytes = guest.ksmStat?.processProfitBytes
    }

    /// The members that the state file and `ksmctl status` share.
    func writeMembers(to json: inout JSONWriter) {
        json.member("name", name)
        json.member("pid", pid)
        json.member("start_ticks", startTicks)
        json.member("rss_bytes", rssBytes)
        json.member("merged_bytes", mergedBytes)
        json.member("saved_bytes", savedBytes)
        json.member("profit_bytes", profitBytes)
    }
}

extension StateReport {
    /// The text of the state file: one JSON object, ended by a line break.
    package var json: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text + "\n"
    }

    /// Writes the JSON object into a buffer that the daemon keeps from tick to tick.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            writeDaemon(to: &json)
            writeFigures(to: &json)
            writeSettings(to: &json)
            writeEvents(to: &json)
            json.optional("numa", numa) { $0.writeMembers(to: &$1) }
            json.array("guests") { json in
                for guest in guests { json.object { guest.writeMembers(to: &$0) } }
            }
        }
    }

    private func writeDaemon(to json: inout JSONWriter) {
        json.member("version", StateReport.version)
        json.member("pid", pid)
        json.member("daemon_version", daemonVersion)
        json.member("policy", policy)
        json.member("started_boottime", startedBootSeconds)
        json.member("started_realtime", startedRealtimeSeconds)
        json.member("state", state.rawValue)
        json.member("reason_code", reasonCode)
        json.member("reason", reason)
        json.member("tick", tick)
        json.member("last_tick_realtime", lastTickRealtimeSeconds)
        json.member("interval_ms", intervalMilliseconds)
        json.member("scanning_stopped_realtime", scanningStoppedRealtimeSeconds)
    }

    private func writeFigures(to json: inout JSONWriter) {
        json.member("saved_bytes", savedBytes)
        json.member("net_saved_bytes", netSavedBytes)
        json.member("scanner_cpu_seconds", seconds: scannerCPUNanoseconds)
        json.member("scanner_cpu_permille", scannerCPUPermille)
        json.member("warnings", warnings)
    }

    private func writeEvents(to json: inout JSONWriter) {
        json.array("events") { json in
            for source in events {
                json.object { json in
                    json.member("source", source.name.rawValue)
                    json.member("condition", source.condition.rawValue)
                    json.member("detail", source.detail)
                }
            }
        }
    }

    private func writeSettings(to json: inout JSONWriter) {
        if let hold {
            json.object("hold") { json in
                json.member("kind", hold.kind.rawValue)
                json.member("by", hold.by)
                json.member("since_realtime", hold.sinceRealtimeSeconds)
                json.member("until_realtime", hold.untilRealtimeSeconds)
                json.member("reason", hold.reason)
            }
        } else {
            json.member("hold", String?.none)
        }
        json.writes("written", written)
        json.array("foreign") { json in
            for attribute in foreign { json.element(attribute.name) }
        }
        json.writes("found", found)
    }
}

extension JSONWriter {
    /// Settings as an object: `{"run":"1","pages_to_scan":"300"}`.
    ///
    /// The last of two writes to one attribute counts.
    mutating func writes(_ key: String, _ writes: [Write]) {
        object(key) { json in
            for (index, write) in writes.enumerated()
            where !writes.dropFirst(index + 1).contains(where: { $0.attribute == write.attribute }) {
                json.member(write.attribute.name, write.value)
            }
        }
    }
}
