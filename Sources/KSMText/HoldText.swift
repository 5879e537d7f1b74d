/// The text of `/run/ksmd/hold`: who said `ksmctl stop`, and when.
package struct HoldText: Equatable, Sendable {
    /// The user who asked, at most 64 characters on one line.
    package var by: String
    /// CLOCK_REALTIME seconds; `nil` where the file does not say.
    package var sinceRealtimeSeconds: UInt64?

    package init(by: String, sinceRealtimeSeconds: UInt64?) {
        self.by = by
        self.sinceRealtimeSeconds = sinceRealtimeSeconds
    }

    /// The file.
    package var text: String {
        let since = sinceRealtimeSeconds.map { "since \($0)\n" } ?? ""
        return "version 1\nby \(by)\n\(since)"
    }

    /// Parses the file: an empty or broken one holds as well, in nobody's name.
    package static func parse(_ text: Span<UInt8>) -> HoldText {
        var hold = HoldText(by: "somebody", sinceRealtimeSeconds: nil)
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            let key = text.word(in: line, from: &position)
            let value = text.word(in: line, from: &position)
            if text.equals("by", in: key), !value.isEmpty {
                hold.by = text.extracting(value.lowerBound..<line.upperBound).printable(limit: 64)
            } else if text.equals("since", in: key) {
                hold.sinceRealtimeSeconds = text.unsigned(value)
            }
        }
        return hold
    }
}
