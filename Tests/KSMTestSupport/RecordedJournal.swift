package import Foundation

/// A journal of made-up entries with fixed times, in a directory of its own; systemd-journal-remote(8).
package final class RecordedJournal {
    private static let program = "/lib/systemd/systemd-journal-remote"
    /// Whether it can be made.
    package static let canRun = FileManager.default.isExecutableFile(atPath: program)

    /// 28 November 2026, 05:00 UTC, in microseconds since 1970.
    package static let start: UInt64 = 1_795_842_000_000_000

    /// The directory.
    package let directory: URL
    /// The file in it.
    package var file: URL { directory.appending(path: "test.journal") }

    package init(_ entries: [Entry]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "ksmd-log-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try append(entries)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    /// Adds entries, as a journal that goes on does.
    package func append(_ entries: [Entry]) throws {
        let export = directory.appending(path: "entries")
        try Data(entries.flatMap(\.bytes)).write(to: export)
        let result = try Program.run(RecordedJournal.program, ["--output=" + file.path, export.path])
        try FileManager.default.removeItem(at: export)
        guard result.status == 0 else { throw Refused(reason: result.err) }
    }

    /// What it said when it made no journal.
    package struct Refused: Error {
        package var reason: String
    }

    /// One entry, with values of any bytes.
    package struct Entry {
        private var microseconds: UInt64
        private var fields: [(String, [UInt8])]

        /// An entry so many seconds after `start`; a field may be there twice.
        package init(_ seconds: Double, host: String? = "alpha", _ fields: [(String, String)]) {
            microseconds = RecordedJournal.start + UInt64(seconds * 1e6)
            self.fields = fields.map { ($0, Array($1.utf8)) }
            if let host { add("_HOSTNAME", Array(host.utf8)) }
        }

        package mutating func add(_ name: String, _ value: [UInt8]) { fields.append((name, value)) }

        /// In the export format of the journal; https://systemd.io/JOURNAL_EXPORT_FORMATS.
        var bytes: [UInt8] {
            var bytes = Array("__REALTIME_TIMESTAMP=\(microseconds)\n".utf8)
            bytes += Array("__MONOTONIC_TIMESTAMP=\(microseconds - RecordedJournal.start + 1)\n".utf8)
            bytes += Array("_BOOT_ID=0123456789abcdef0123456789abcdef\n".utf8)
            for (name, value) in fields {
                bytes += Array("\(name)\n".utf8)
                withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += Array($0) }
                bytes += value + [0x0a]
            }
            return bytes + [0x0a]
        }
    }
}
