import CSystemd
import Glibc
package import KSMLog
package import KSMSystemd

/// Reads ksmd's entries back from the journal, one after the other, through sd-journal(3).
///
/// It holds one entry at a time. What is broken in a journal is left out: a file that is damaged from some place on ends
/// there, an entry without a time is none, and a value is cut at `valueLimit`.
package final class JournalReader {
    /// Where a journal is.
    package enum Place: Sendable {
        /// That of this machine, and with `isLocal` false also those of others that have been put beside it.
        case system(isLocal: Bool)
        case directory(String)
        case files([String])
    }

    /// The longest value that is read, in bytes with the name before it.
    ///
    /// The default of sd_journal_set_data_threshold(3); ksmd's own values are sentences and numbers.
    package static let valueLimit = 64 << 10

    private let raw: OpaquePointer
    private let kinds: [String: String]

    /// Opens the journal at `place`; one that is not there, or that this user may not see, is an error or is empty.
    package init(_ place: Place) throws(SystemdError) {
        var journal: OpaquePointer?
        let result = JournalReader.open(place, &journal)
        guard result >= 0, let journal else { throw SystemdError(operation: "open \(place.name)", code: 0 &- result) }
        raw = journal
        kinds = Dictionary(uniqueKeysWithValues: MessageID.allCases.map { ($0.rawValue, $0.kind) })
        _ = sd_journal_set_data_threshold(raw, JournalReader.valueLimit)
    }

    deinit {
        sd_journal_close(raw)
    }

    private static func open(_ place: Place, _ journal: inout OpaquePointer?) -> Int32 {
        switch place {
        case .system(let isLocal):
            let flags = SD_JOURNAL_SYSTEM | (isLocal ? SD_JOURNAL_LOCAL_ONLY : 0)
            return sd_journal_open(&journal, Int32(flags))
        case .directory(let path):
            return sd_journal_open_directory(&journal, path, 0)
        case .files(let paths):
            var names: [UnsafeMutablePointer<CChar>?] = paths.map { strdup($0) } + [nil]
            defer { for name in names { free(name) } }
            return names.withUnsafeMutableBufferPointer { buffer in
                buffer.withMemoryRebound(to: UnsafePointer<CChar>?.self) { names in
                    guard let first = names.baseAddress else { return -EINVAL }
                    return sd_journal_open_files(&journal, first, 0)
                }
            }
        }
    }

    /// Whether there is no journal that this user can read.
    package var isEmpty: Bool {
        var bytes: UInt64 = 0
        return sd_journal_get_usage(raw, &bytes) < 0 || bytes == 0
    }

    /// Shows only what `selection` asks for.
    package func select(_ selection: JournalSelection) throws(SystemdError) {
        sd_journal_flush_matches(raw)
        for var match in selection.matches {
            let result = match.withUTF8 { sd_journal_add_match(raw, $0.baseAddress, $0.count) }
            try JournalReader.check("select entries", result)
        }
    }

    /// The names of all hosts in the journal, whatever is selected; at most `limit`.
    package func hosts(atMost limit: Int) -> [String] {
        var hosts: [String] = []
        guard sd_journal_query_unique(raw, "_HOSTNAME") >= 0 else { return hosts }
        var data: UnsafeRawPointer?
        var count = 0
        while hosts.count < limit, sd_journal_enumerate_available_unique(raw, &data, &count) > 0 {
            guard let field = FieldBytes(data, count) else { continue }
            hosts.append(field.value)
        }
        return hosts
    }

    // MARK: Going through it

    /// To the first entry from a moment on, in microseconds since 1970; `next` or `previous` goes to an entry.
    package func seek(realtimeMicroseconds: UInt64) throws(SystemdError) {
        try JournalReader.check(
            "look for a time in the journal",
            sd_journal_seek_realtime_usec(raw, realtimeMicroseconds)
        )
    }

    /// Before the first entry.
    package func seekToBeginning() throws(SystemdError) {
        try JournalReader.check("look for the beginning of the journal", sd_journal_seek_head(raw))
    }

    /// Behind the last entry.
    package func seekToEnd() throws(SystemdError) {
        try JournalReader.check("look for the end of the journal", sd_journal_seek_tail(raw))
    }

    /// Goes to the next entry; `false` and no step where there is none.
    package func next() throws(SystemdError) -> Bool {
        try JournalReader.check("read the journal", sd_journal_next(raw)) > 0
    }

    /// Goes to the entry before; `false` and no step where there is none.
    package func previous() throws(SystemdError) -> Bool {
        try JournalReader.check("read the journal", sd_journal_previous(raw)) > 0
    }

    /// When the journal got the present entry, in microseconds since 1970; `nil` for one that is broken.
    package var realtimeMicroseconds: UInt64? {
        var time: UInt64 = 0
        return sd_journal_get_realtime_usec(raw, &time) < 0 ? nil : time
    }

    /// The present entry; `nil` for one that is broken.
    /// - Parameter withFields: whether the `KSM_` fields are wanted too.
    package func entry(withFields: Bool = true) -> LogEntry? {
        guard let time = realtimeMicroseconds else { return nil }
        var entry = LogEntry(realtimeMicroseconds: time)
        var data: UnsafeRawPointer?
        var count = 0
        sd_journal_restart_data(raw)
        while sd_journal_enumerate_available_data(raw, &data, &count) > 0 {
            guard let field = FieldBytes(data, count), withFields || !field.isOurs else { continue }
            field.put(into: &entry)
        }
        entry.kind = entry.messageID.flatMap { kinds[$0] }
        return entry
    }

    // MARK: Waiting

    /// Begins to watch for new entries, which `wait` then does not miss.
    package func watch() throws(SystemdError) {
        try JournalReader.check("watch the journal", sd_journal_get_fd(raw))
    }

    /// Waits for new entries; `false` when nobody reads `output` any more.
    package func wait(output: Int32) throws(SystemdError) -> Bool {
        let descriptor = try JournalReader.check("watch the journal", sd_journal_get_fd(raw))
        let events = try JournalReader.check("watch the journal", sd_journal_get_events(raw))
        var files = [
            pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0),
            pollfd(fd: output, events: 0, revents: 0),
        ]
        while true {
            let ready = poll(&files, 2, patience())
            if ready < 0, errno != EINTR { throw SystemdError(operation: "wait for the journal", code: errno) }
            if files[1].revents != 0 { return false }
            let change = try JournalReader.check("watch the journal", sd_journal_process(raw))
            if change != Int32(SD_JOURNAL_NOP) { return true }
        }
    }

    /// How long poll may wait, in milliseconds: where a file system tells of no changes, the library wants to look.
    private func patience() -> Int32 {
        var deadline: UInt64 = 0
        guard sd_journal_get_timeout(raw, &deadline) >= 0, deadline != .max else { return -1 }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
        return deadline > now ? Int32(clamping: (deadline - now) / 1000 + 1) : 0
    }

    @discardableResult
    private static func check(_ operation: @autoclosure () -> String, _ result: Int32) throws(SystemdError) -> Int32 {
        guard result < 0 else { return result }
        throw SystemdError(operation: operation(), code: 0 &- result)
    }
}

extension JournalReader.Place {
    /// For errors.
    var name: String {
        switch self {
        case .system: "the journal"
        case .directory(let path): "the journal in \(path)"
        case .files(let paths): "the journal of \(paths.joined(separator: ", "))"
        }
    }
}
