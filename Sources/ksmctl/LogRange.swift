import ArgumentParser
import KSMClient
import KSMConfiguration
import KSMLog
import KSMReport
import KSMSystemd

/// From when to when, in microseconds since 1970.
struct LogRange {
    var since: UInt64?
    var until: UInt64?

    /// From what was typed; a text that is no time, or a range that ends before it begins, is a misuse.
    init(since: String?, until: String?, now: UInt64, zone: LocalZone) throws {
        self.since = try since.map { try LogRange.time("--since", $0, now, zone) }
        self.until = try until.map { try LogRange.time("--until", $0, now, zone) }
        if let since = self.since, let until = self.until, since > until {
            throw ValidationError("'--since' is after '--until'")
        }
    }

    private static func time(_ option: String, _ text: String, _ now: UInt64, _ zone: LocalZone) throws -> UInt64 {
        do throws(TimePointError) {
            return try TimePoint.parse(text, now: now, zone: zone)
        } catch {
            throw ValidationError("\(option): \(error)")
        }
    }
}

/// The names after `--kind`.
enum LogKinds {
    /// Words with commas between them; no words are all kinds.
    static func parse(_ lists: [String]) throws -> [MessageID] {
        guard !lists.isEmpty else { return MessageID.allCases }
        let names = lists.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return try names.map { name in
            guard let id = MessageID(kind: String(name)) else { throw unknown(String(name)) }
            return id
        }
    }

    private static func unknown(_ name: String) -> ValidationError {
        let all = MessageID.allCases.map(\.kind)
        let guess = NearMiss.suggestion(name, among: all) { "'\($0)'" }
        let list = all.joined(separator: ", ")
        return ValidationError("'\(Human.plain(name))' is no kind of entry\(guess.isEmpty ? "" : guess) (\(list))")
    }
}
