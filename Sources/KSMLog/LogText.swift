import KSMModel
package import KSMReport

/// Entries as lines, for people and for programs.
package struct LogText: Sendable {
    private let zone: LocalZone
    private let kindWidth: Int
    /// `nil` where all entries are of one host.
    private let hostWidth: Int?

    /// - Parameters:
    ///   - kinds: what entries can be of, for the width of the column.
    ///   - hosts: the hosts they can come from; with one, or none, the lines do not name it.
    package init(zone: LocalZone, kinds: [String], hosts: [String]) {
        self.zone = zone
        kindWidth = kinds.map(\.count).max() ?? 0
        hostWidth = hosts.count > 1 ? hosts.map(\.count).max() : nil
    }

    /// One line: local time, host, kind, message; safe for a terminal.
    package func line(_ entry: LogEntry) -> String {
        let time = zone.civil(realtimeSeconds: entry.realtimeMicroseconds / 1_000_000).text(between: " ")
        let host = hostWidth.map { column(entry.host ?? "?", $0) } ?? ""
        return "\(time)  \(host)\(column(entry.kind ?? "?", kindWidth))\(Human.plain(entry.message ?? ""))\n"
    }

    private func column(_ text: String, _ width: Int) -> String {
        TextLayout.pad(Human.plain(text), to: width) + "  "
    }

    /// One line with an object; all that is not known is null, and the fields have their names of the journal.
    ///
    /// A field's value is text, or an array where the entry has several.
    package static func write(_ entry: LogEntry, to json: inout JSONWriter) {
        let civil = CivilTime(realtimeSeconds: entry.realtimeMicroseconds / 1_000_000).text(between: "T")
        let fraction = String(entry.realtimeMicroseconds % 1_000_000 + 1_000_000).dropFirst()
        json.object { json in
            json.member("time", "\(civil).\(fraction)Z")
            json.member("realtime_usec", entry.realtimeMicroseconds)
            json.member("host", entry.host)
            json.member("kind", entry.kind)
            json.member("message_id", entry.messageID)
            json.member("priority", entry.priority)
            json.member("message", entry.message)
            for field in entry.fields {
                if field.values.count > 1 {
                    json.member(field.name, field.values)
                } else {
                    json.member(field.name, field.values.first)
                }
            }
        }
    }
}
