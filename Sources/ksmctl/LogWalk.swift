import Glibc
import KSMClient
import KSMLog
import KSMReport
import KSMSystemd
import KSMTuner

/// Goes through the journal and prints what it finds.
struct LogWalk {
    let reader: JournalReader
    let range: LogRange
    /// How an entry is printed; `nil` as JSON.
    let text: LogText?
    private var output = LineOutput()
    private var json = JSONWriter()

    init(_ reader: JournalReader, _ range: LogRange, _ text: LogText?) {
        self.reader = reader
        self.range = range
        self.text = text
    }

    /// Oldest first, all or the last `lines`.
    mutating func forward(lines: UInt?) throws {
        var isAtEntry = false
        if let lines {
            isAtEntry = try goBack(lines)
        } else if let since = range.since {
            try reader.seek(realtimeMicroseconds: since)
        } else {
            try reader.seekToBeginning()
        }
        if isAtEntry { try show() }
        try showNew()
    }

    /// Newest first, all or so many.
    mutating func backward(lines: UInt?) throws {
        try seekBehindLast()
        var count: UInt = 0
        while count < lines ?? .max, try reader.previous() {
            guard let time = reader.realtimeMicroseconds, time <= range.until ?? .max else { continue }
            if time < range.since ?? 0 { break }
            try show()
            count += 1
        }
        try output.flush()
    }

    /// What comes from now on, until nobody reads it any more.
    mutating func follow() throws {
        LogWalk.unblockSignals()
        while try reader.wait(output: STDOUT_FILENO) { try showNew() }
    }

    /// A parent may have had them blocked, and without them this would not end.
    private static func unblockSignals() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        sigprocmask(SIG_UNBLOCK, &signals, nil)
    }

    /// What is behind the present entry, up to the end of the range.
    private mutating func showNew() throws {
        while try reader.next() {
            // A clock that was set back: such an entry is not in the range, and others may follow.
            guard let time = reader.realtimeMicroseconds, time >= range.since ?? 0 else { continue }
            if time > range.until ?? .max { break }
            try show()
        }
        try output.flush()
    }

    /// To the last entry but `lines` - 1 of the range; `false` where no entry is to be shown, for `next` to go on.
    private func goBack(_ lines: UInt) throws -> Bool {
        try seekBehindLast()
        var count: UInt = 0
        while try reader.previous() {
            guard let time = reader.realtimeMicroseconds, time <= range.until ?? .max else { continue }
            if time < range.since ?? 0 { return try count > 0 && reader.next() }
            if lines == 0 { return false }
            count += 1
            if count == lines { return true }
        }
        // Without an entry there is no place to go on from but the beginning.
        if count == 0 { try reader.seekToBeginning() }
        return count > 0
    }

    private func seekBehindLast() throws {
        guard let until = range.until, until < .max else { return try reader.seekToEnd() }
        try reader.seek(realtimeMicroseconds: until + 1)
    }

    private mutating func show() throws {
        guard let entry = reader.entry(withFields: text == nil) else { return }
        if let text { return try output.add(text.line(entry).utf8) }
        json.reset()
        LogText.write(entry, to: &json)
        try output.add(json.bytes)
        try output.add(CollectionOfOne(UInt8(ascii: "\n")))
    }
}
