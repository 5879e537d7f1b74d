import Foundation
@testable import KSMClient
import KSMLog
import KSMSystemd
import KSMTestSupport
import Testing

private typealias Entry = RecordedJournal.Entry

private func entry(
    _ seconds: Double,
    _ id: MessageID,
    _ message: String,
    host: String? = "alpha",
    _ more: [(String, String)] = []
) -> Entry {
    Entry(seconds, host: host, [("MESSAGE_ID", id.rawValue), ("MESSAGE", message), ("PRIORITY", "5")] + more)
}

@Suite(
    "Reading a journal back",
    .enabled("systemd-journal-remote is not installed") { RecordedJournal.canRun }
)
struct JournalReaderTests {
    private func messages(_ reader: JournalReader) throws -> [String?] {
        var messages: [String?] = []
        while try reader.next() { messages.append(reader.entry()?.message) }
        return messages
    }

    private func journal() throws -> RecordedJournal {
        try RecordedJournal([
            entry(0, .started, "a"),
            entry(1, .decision, "b", [("KSM_NODE", "1"), ("KSM_GUEST", "web")]),
            entry(2, .decision, "c", host: "beta", [("KSM_NODE", "0"), ("KSM_GUEST", "web")]),
            Entry(3, [("MESSAGE", "not ours"), ("KSM_GUEST", "web"), ("SYSLOG_IDENTIFIER", "sshd")]),
            entry(4, .summary, "d", [("KSM_NODE", "1"), ("KSM_GUEST", "mail")]),
        ])
    }

    @Test("An entry has its time, host, kind, priority, message and fields of ours")
    func fields() throws {
        let journal = try RecordedJournal([
            entry(1.5, .nodeShort, "node 1 is short", [("KSM_NODE", "1"), ("_PID", "7"), ("KSM_REASON", "a\nb")])
        ])
        let reader = try JournalReader(.directory(journal.directory.path))
        try #require(try reader.next())
        var wanted = LogEntry(realtimeMicroseconds: RecordedJournal.start + 1_500_000)
        wanted.host = "alpha"
        wanted.messageID = MessageID.nodeShort.rawValue
        wanted.kind = "node-short"
        wanted.priority = 5
        wanted.message = "node 1 is short"
        wanted.fields = [.init("KSM_NODE", "1"), .init("KSM_REASON", "a\nb")]
        var found = try #require(reader.entry())
        found.fields.sort { $0.name < $1.name }
        #expect(found == wanted)
        #expect(reader.entry(withFields: false)?.fields == [])
        #expect(try !reader.next())
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var wanted: [String]
        var change: @Sendable (inout JournalSelection) -> Void
    }

    static let rows = [
        Row(testDescription: "everything of ours", wanted: ["a", "b", "c", "d"]) { _ in },
        Row(testDescription: "kinds, one or the other", wanted: ["a", "d"]) { $0.kinds = [.started, .summary] },
        Row(testDescription: "a guest", wanted: ["b", "c"]) { $0.guest = "web" },
        Row(testDescription: "a node", wanted: ["b", "d"]) { $0.node = 1 },
        Row(testDescription: "a host", wanted: ["c"]) { $0.host = "beta" },
        Row(testDescription: "all at once", wanted: ["b"]) {
            ($0.kinds, $0.guest, $0.node, $0.host) = ([.decision, .summary], "web", 1, "alpha")
        },
        Row(testDescription: "what is not there", wanted: []) { $0.guest = "we" },
    ]

    @Test("Selected are", arguments: rows)
    func selection(_ row: Row) throws {
        let journal = try journal()
        let reader = try JournalReader(.files([journal.file.path]))
        var selection = JournalSelection()
        row.change(&selection)
        try reader.select(selection)
        #expect(try messages(reader) == row.wanted)
    }

    @Test("It goes to a time, to both ends, and back")
    func seeking() throws {
        let journal = try journal()
        let reader = try JournalReader(.directory(journal.directory.path))
        try reader.select(JournalSelection())
        try reader.seek(realtimeMicroseconds: RecordedJournal.start + 1_500_000)
        #expect(try messages(reader) == ["c", "d"])
        try reader.seekToEnd()
        #expect(try reader.previous())
        #expect(reader.entry()?.message == "d")
        try reader.seekToBeginning()
        #expect(try messages(reader) == ["a", "b", "c", "d"])
        #expect(Set(reader.hosts(atMost: 10)) == ["alpha", "beta"])
        #expect(reader.hosts(atMost: 1).count == 1)
    }

    @Test("Hostile entries come as they are, cut, or not at all")
    func hostile() throws {
        var bytes = entry(1, .decision, "nul\0in\u{1b}[31m")
        bytes.add("KSM_BYTES", [0xff, 0xfe, 0x00, 0x0a])
        let noMessage = Entry(2, host: nil, [("MESSAGE_ID", MessageID.decision.rawValue), ("PRIORITY", "99")])
        let huge = String(repeating: "x", count: 3_000_000)
        let many = (0..<1000).map { ("KSM_F\($0)", "\($0)") }
        let journal = try RecordedJournal([
            bytes, noMessage, entry(3, .decision, huge), entry(4, .decision, "many", many),
            entry(5, .decision, "twice", [("MESSAGE", "again"), ("KSM_A", "1"), ("KSM_A", "2")]),
            Entry(6, [("MESSAGE_ID", "0123456789abcdef0123456789abcdef"), ("MESSAGE", "later"), ("KSM_NEW", "1")]),
        ])
        let reader = try JournalReader(.directory(journal.directory.path))
        var entries: [LogEntry] = []
        while try reader.next() { entries.append(try #require(reader.entry())) }
        try #require(entries.count == 6)
        #expect(entries[0].message == "nul\0in\u{1b}[31m")
        #expect(entries[0].fields == [.init("KSM_BYTES", "\u{fffd}\u{fffd}\0\n")])
        #expect(entries[1].message == nil && entries[1].host == nil && entries[1].priority == nil)
        let length = try #require(entries[2].message?.utf8.count)
        #expect(length <= JournalReader.valueLimit && length > 60_000)
        #expect(entries[2].message?.hasSuffix("x…") == true)
        #expect(entries[3].fields.count > 900 && entries[3].fields.count <= 1024)
        #expect(entries[4].fields.map(\.name) == ["KSM_A"])
        #expect(entries[4].fields.first?.values.sorted() == ["1", "2"])
        #expect(entries[5].kind == nil && entries[5].messageID == "0123456789abcdef0123456789abcdef")
    }

    @Test("An entry with thousands of values of one field, or of many, has as many as an entry may have fields")
    func thousands() throws {
        for names in [1, 700, 5000] {
            var entry = LogEntry(realtimeMicroseconds: 0)
            for number in 0..<5000 {
                Array("KSM_F\(number % names)=value\(number)".utf8).withUnsafeBytes { bytes in
                    FieldBytes(bytes.baseAddress, bytes.count)?.put(into: &entry)
                }
            }
            #expect(entry.fields.flatMap(\.values).count == 1024)
            #expect(entry.fields.count == min(names, 1024))
            #expect(entry.fields.map(\.name) == (0..<min(names, 1024)).map { "KSM_F\($0)" })
            #expect(entry.fields[0].values.first == "value0")
        }
    }

    /// Each reading ends, with entries or with an error.
    @Test("A damaged file is read as far as it goes", arguments: stride(from: 0, to: 60, by: 1).map(\.self))
    func damaged(_ part: Int) throws {
        let journal = try RecordedJournal(
            (0..<50).map { entry(Double($0), .decision, "entry \($0)", [("KSM_A", "\($0)")]) }
        )
        var data = try Data(contentsOf: journal.file)
        // Header, hash tables, and objects up to the last one (tail_object_offset, at 136).
        let used = data[136..<144].withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) } + 64
        let place = part < 20 ? part * 13 : used - 1 - (part - 20) * 211
        data.replaceSubrange(max(0, place)..<min(data.count, place + 8), with: Data(repeating: 0xff, count: 8))
        try data.write(to: journal.file)
        do throws(SystemdError) {
            let reader = try JournalReader(.directory(journal.directory.path))
            try reader.select(JournalSelection())
            var count = 0
            while try reader.next(), count <= 1000 {
                _ = reader.entry()
                count += 1
            }
            #expect(count <= 1000)
        } catch {
            #expect(error.code > 0)
        }
    }

    @Test("What is no journal is an error, or is empty")
    func noJournal() throws {
        let journal = try journal()
        let empty = journal.directory.appending(path: "empty")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        #expect(try JournalReader(.directory(empty.path)).isEmpty)
        #expect(try !JournalReader(.directory(journal.directory.path)).isEmpty)
        let missing = SystemdError(operation: "open the journal in /nowhere", code: ENOENT)
        #expect(throws: missing) { try JournalReader(.directory("/nowhere")) }
        #expect(throws: SystemdError(operation: "open the journal of /etc/passwd", code: EBADMSG)) {
            try JournalReader(.files(["/etc/passwd"]))
        }
        #expect(try JournalReader(.files([])).isEmpty)
    }

    @Test("Waiting ends when there is more, and when nobody reads the output")
    func waiting() throws {
        let journal = try journal()
        let reader = try JournalReader(.directory(journal.directory.path))
        try reader.select(JournalSelection())
        try reader.watch()
        let pipe = Pipe()
        let output = pipe.fileHandleForWriting.fileDescriptor
        #expect(try messages(reader).count == 4)
        try journal.append([entry(10, .held, "new")])
        var new: [String?] = []
        while new.isEmpty, try reader.wait(output: output) { new = try messages(reader) }
        #expect(new == ["new"])
        try pipe.fileHandleForReading.close()
        while try reader.wait(output: output) {}
    }
}
