import CSystemd
import Glibc

/// Writes what the daemon did to the journal, or as text to standard error where there is no journal.
///
/// Nothing here fails the caller or makes it wait, for the journal or for a reader of standard error: what the journal
/// does not take is written as text, and what cannot be written is counted.
package final class JournalWriter {
    /// syslog's severities, as in `PRIORITY=` and in the `<N>` before a line of text; sd-daemon(3).
    package enum Priority: UInt8, CaseIterable, Sendable {
        case emergency, alert, critical, error, warning, notice, info, debug
    }

    /// Whether entries go to the journal with their fields, rather than as text to standard error.
    package let isJournal: Bool
    /// Entries that could not be written, since the start.
    package private(set) var dropped: UInt64 = 0
    /// Fields left out because of their names, since the start.
    package private(set) var refusedFields: UInt64 = 0

    private var socket = JournalSocket()
    private let standardError: Int32
    /// A person reads along: the priority in front is for programs.
    private let isTerminal: Bool

    /// Looks once where standard error leads: to the journal if `JOURNAL_STREAM` names its device and inode.
    ///
    /// The check matters: what somebody wants to read on a terminal or in a file is not for the journal.
    package init(environment: ServiceEnvironment = .ofThisProcess(), standardError: Int32 = STDERR_FILENO) {
        self.standardError = standardError
        isTerminal = isatty(standardError) == 1
        isJournal = JournalWriter.leadsToJournal(standardError, environment.journalStream)
    }

    /// A writer for a person's command: entries go to the journal wherever standard error leads, and are lost where there
    /// is none.
    package static func forCommand() -> JournalWriter { JournalWriter() }

    private init() {
        standardError = -1
        isTerminal = false
        isJournal = true
    }

    deinit {
        socket.end()
    }

    /// Writes one entry.
    ///
    /// To the journal in one message, with `SYSLOG_IDENTIFIER=ksmd`; message and values may hold newlines there. A
    /// field whose name is not `isFieldName` is left out and counted. As text, `<N>message` on one line of at most
    /// 4,096 bytes in one write(2), without the fields.
    package func write(
        _ priority: Priority,
        _ message: String,
        id: MessageID? = nil,
        fields: [(name: String, value: String)] = []
    ) {
        if isJournal, sendToJournal(priority, message, id, fields) { return }
        if !writeText(priority, message) { dropped &+= 1 }
    }

    /// Whether `name` can be the name of a field: capital letters, digits and `_`, 64 bytes at most, a letter first.
    ///
    /// The journal drops other fields without a word; names with `_` in front are its own. systemd.journal-fields(7).
    package static func isFieldName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isCapital(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { isCapital($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isCapital(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The fields that every entry has; a caller's field of that name would be a second value.
    private static let ownFields: Set<String> = [
        "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "KSM_KIND",
    ]
}

// MARK: - The journal

extension JournalWriter {
    private func sendToJournal(
        _ priority: Priority,
        _ message: String,
        _ id: MessageID?,
        _ fields: [(name: String, value: String)]
    ) -> Bool {
        var entry = EntryBytes()
        entry.append("MESSAGE", message)
        entry.append("PRIORITY", String(priority.rawValue))
        entry.append("SYSLOG_IDENTIFIER", "ksmd")
        if let id {
            entry.append("MESSAGE_ID", id.rawValue)
            entry.append("KSM_KIND", id.kind)
        }
        for (name, value) in fields {
            if JournalWriter.isFieldName(name), !JournalWriter.ownFields.contains(name) {
                entry.append(name, value)
            } else {
                refusedFields &+= 1
            }
        }
        return entry.withVectors { fields in
            let result = socket.send(fields)
            guard result == -EMSGSIZE else { return result }
            // As a file, which may wait for a journal that stands still; ksmd has no entries of that length.
            return sd_journal_sendv(fields.baseAddress, Int32(clamping: fields.count))
        } >= 0
    }

    /// Compares `8:4711` with what `descriptor` is; systemd.exec(5), `$JOURNAL_STREAM`.
    private static func leadsToJournal(_ descriptor: Int32, _ stream: String?) -> Bool {
        guard let stream else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}

/// `NAME=value` entries, one after the other in one piece of memory.
private struct EntryBytes {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    mutating func append(_ name: String, _ value: String) {
        bytes += name.utf8
        bytes.append(UInt8(ascii: "="))
        bytes += value.utf8
        ends.append(bytes.count)
    }

    /// Calls `body` with one vector per field; they are valid only inside.
    mutating func withVectors(_ body: (UnsafeBufferPointer<iovec>) -> Int32) -> Int32 {
        bytes.withUnsafeMutableBytes { memory in
            var start = 0
            var vectors: [iovec] = []
            vectors.reserveCapacity(ends.count)
            for end in ends {
                vectors.append(iovec(iov_base: memory.baseAddress.map { $0 + start }, iov_len: end - start))
                start = end
            }
            return vectors.withUnsafeBufferPointer(body)
        }
    }
}

// MARK: - Standard error

extension JournalWriter {
    /// The most that a write to a pipe takes in one piece (PIPE_BUF; pipe(7)).
    private static let longestLine = 4096

    private func writeText(_ priority: Priority, _ message: String) -> Bool {
        var line = isTerminal ? [] : Array("<\(priority.rawValue)>".utf8)
        line += oneLine(message, limit: JournalWriter.longestLine - line.count - 1)
        line.append(UInt8(ascii: "\n"))
        guard takesText() else { return false }
        var written = Glibc.write(standardError, line, line.count)
        while written < 0, errno == EINTR { written = Glibc.write(standardError, line, line.count) }
        return written == line.count
    }

    /// Whether a line can be written now without waiting.
    ///
    /// A pipe that poll(2) calls writable has room for PIPE_BUF bytes; one without a reader is an error, seen here
    /// before a write to it raises SIGPIPE.
    private func takesText() -> Bool {
        var request = pollfd(fd: standardError, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1 else { return false }
        return request.revents & Int16(POLLOUT | POLLERR | POLLNVAL | POLLHUP) == Int16(POLLOUT)
    }
}
