import Foundation
import KSMConfiguration
import Testing

@Suite("Time spans against systemd", .enabled("systemd-analyze is not installed") { SystemdSpan.isInstalled })
struct SystemdSpanTests {
    static let texts: [String] = {
        let units = [
            "us", "usec", "ms", "msec", "s", "sec", "second", "seconds", "m", "min", "minute", "minutes", "h", "hr",
            "hour",
            "hours", "d", "day", "days", "w", "week", "weeks", "M", "month", "months", "y", "year", "years",
        ]
        var texts = units.flatMap { ["3\($0)", "1.5 \($0) 2"] }
        texts += [
            "0", "5", "1h30min", "1sec30", "1 h 2", "1h,2", ".5h", "0.000001s", "0.1234567s", "1d 1h 1min 1s 1ms 1us",
        ]
        texts += [
            "1.5.5", "1.5 .5", "5 5", "5 s s", "h", "m 5", "", " ", "-5", "1e3", "0x10", "1mon", "1H", "1MIN", "1D",
        ]
        return texts + [" 5", "5 ", "5\t6", "99999999999999999999", "600000y", "584000y"]
    }()

    @Test("systemd reads the same", arguments: texts)
    func span(_ text: String) throws {
        let theirs = try SystemdSpan.microseconds(text)
        #expect((try? TimeSpan.microseconds(text)) == theirs)
    }
}

/// `systemd-analyze timespan`.
private enum SystemdSpan {
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") }

    /// `nil` where it refuses.
    static func microseconds(_ text: String) throws -> UInt64? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-analyze")
        process.arguments = ["timespan", "--", text]
        process.environment = ["LC_ALL": "C"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n")
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        let line = try #require(lines.last { $0.contains("us: ") || $0.contains("μs: ") })
        return UInt64(line.split(separator: " ").last ?? "")
    }
}
