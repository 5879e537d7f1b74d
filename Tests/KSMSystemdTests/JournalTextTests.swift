import Foundation
import Glibc
import KSMSystemd
import Testing

@Suite("Journal entries where there is no journal")
struct JournalTextTests {
    @Test("An entry is one line with its priority in front", arguments: JournalWriter.Priority.allCases)
    func line(priority: JournalWriter.Priority) throws {
        let pipe = try Pipe()
        let writer = JournalWriter(environment: ServiceEnvironment(), standardError: pipe.writeEnd)
        writer.write(priority, "Started", id: .started, fields: [("KSM_POLICY", "classic")])
        #expect(try text(pipe.rest()) == "<\(priority.rawValue)>Started\n")
        #expect(!writer.isJournal)
    }

    @Test("The priorities are syslog's")
    func priorities() {
        typealias Priority = JournalWriter.Priority
        #expect(Int32(Priority.emergency.rawValue) == LOG_EMERG)
        #expect(Int32(Priority.error.rawValue) == LOG_ERR)
        #expect(Int32(Priority.warning.rawValue) == LOG_WARNING)
        #expect(Int32(Priority.notice.rawValue) == LOG_NOTICE)
        #expect(Int32(Priority.info.rawValue) == LOG_INFO)
        #expect(Int32(Priority.debug.rawValue) == LOG_DEBUG)
    }

    @Test("Newlines and other control characters of the message become spaces")
    func controlCharacters() throws {
        let pipe = try Pipe()
        let writer = JournalWriter(environment: ServiceEnvironment(), standardError: pipe.writeEnd)
        writer.write(.info, "a\nb\r\nc\0d\u{1B}[31m")
        #expect(try text(pipe.rest()) == "<6>a b  c d [31m\n")
    }

    @Test("A long message is cut so that the line is one write of at most 4,096 bytes")
    func longMessage() throws {
        let pipe = try Pipe()
        let writer = JournalWriter(environment: ServiceEnvironment(), standardError: pipe.writeEnd)
        let message = "x" + String(repeating: "ß", count: 10_000)
        writer.write(.info, message)
        let line = try pipe.rest()
        #expect(line.count == 4095)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(message.hasPrefix(text(line.dropFirst(3).dropLast())))
        #expect(writer.dropped == 0)
    }

    @Test("A full pipe costs the entry and is counted, and the next entry with room is written")
    func fullPipe() async {
        await #expect(processExitsWith: .success) {
            // A writer that waits for the reader ends the process by SIGALRM.
            alarm(10)
            let pipe = try Pipe()
            try pipe.fill()
            let writer = JournalWriter(environment: ServiceEnvironment(), standardError: pipe.writeEnd)
            writer.write(.info, "lost")
            writer.write(.info, "lost too")
            #expect(writer.dropped == 2)

            _ = try pipe.available()
            writer.write(.info, "heard")
            #expect(writer.dropped == 2)
            #expect(try text(pipe.rest()) == "<6>heard\n")
        }
    }

    @Test("A pipe without a reader does not end the process")
    func noReader() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            var ends: [Int32] = [-1, -1]
            try succeed("pipe", pipe(&ends))
            close(ends[0])
            let writer = JournalWriter(environment: ServiceEnvironment(), standardError: ends[1])
            writer.write(.info, "lost")
            #expect(writer.dropped == 1)
        }
    }

    @Test("A closed standard error costs the entry")
    func closedDescriptor() {
        let writer = JournalWriter(environment: ServiceEnvironment(journalStream: "8:1"), standardError: -1)
        writer.write(.info, "lost")
        #expect(writer.dropped == 1)
        #expect(!writer.isJournal)
    }

    @Test("Standard error is the journal only if JOURNAL_STREAM names its device and inode")
    func journalStream() throws {
        let pipe = try Pipe()
        var status = stat()
        try succeed("fstat", fstat(pipe.writeEnd, &status))
        let rows: [(String?, Bool)] = [
            ("\(status.st_dev):\(status.st_ino)", true), ("\(status.st_dev):\(status.st_ino + 1)", false),
            ("\(status.st_dev + 1):\(status.st_ino)", false), ("\(status.st_ino)", false), ("", false), (nil, false),
        ]
        for (stream, expected) in rows {
            let environment = ServiceEnvironment(journalStream: stream)
            let writer = JournalWriter(environment: environment, standardError: pipe.writeEnd)
            #expect(writer.isJournal == expected, "\(stream ?? "nothing")")
        }
    }

    @Test(
        "A field name has capital letters, digits and underscores, and a letter first",
        arguments: [
            ("KSM_SAVED_BYTES", true), ("A", true), ("N0", true), (String(repeating: "A", count: 64), true),
            ("", false), ("_PID", false), ("0N", false), ("ksm", false), ("KSM-X", false), ("KSM X", false),
            ("KSM=X", false), ("KSM\nX", false), ("GRÖSSE", false), (String(repeating: "A", count: 65), false),
        ]
    )
    func fieldName(name: String, valid: Bool) {
        #expect(JournalWriter.isFieldName(name) == valid)
    }
}

@Suite("Message ids")
struct MessageIDTests {
    @Test("An id is 32 hex digits of a random (version 4) id", arguments: MessageID.allCases)
    func form(id: MessageID) {
        let digits = Array(id.rawValue)
        #expect(digits.count == 32)
        #expect(digits.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(digits[12] == "4")
    }

    @Test("The ids of a release stay: they are an interface")
    func stability() {
        #expect(MessageID.started.rawValue == "f022fd284eb1467aa0b6db6598d0ac2a")
        #expect(MessageID.decision.rawValue == "321ba6da04bf407e89aad612fceabfc0")
        #expect(MessageID.foreignWrite.rawValue == "86cb7016e343447c9bdb27ba9c72ce39")
    }
}

@Suite("Errors")
struct SystemdErrorTests {
    @Test("An error names the operation and the cause")
    func description() {
        let error = SystemdError(operation: "watch signal 9", code: EINVAL)
        #expect(error.description == "cannot watch signal 9: Invalid argument (errno 22)")
    }
}
