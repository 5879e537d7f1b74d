/// The text of `/run/ksmd/hold` and `/run/ksmd/pause`: who said `ksmctl stop` or `ksmctl pause`, when, until when and
/// why.
///
/// A file of any version holds (`FormatVersion` would let a newer one be refused): KSM that stands still by mistake does
/// no harm, KSM that goes on against the operator's word does.
package struct HoldText: Equatable, Sendable {
    /// The user who asked, at most 64 characters on one line.
    package var by: String
    /// CLOCK_REALTIME seconds; `nil` where the file does not say.
    package var sinceRealtimeSeconds: UInt64?
    /// CLOCK_REALTIME seconds at which it ends by itself; `nil` where it does not.
    package var untilRealtimeSeconds: UInt64?
    /// In the words of who asked, on one line; `nil` where nothing was said.
    package var reason: String?

    /// Bytes of a reason that are kept: a line or two, with room for any script.
    package static let longestReason = 400
    /// The year 9999; what is later is no time that anybody meant.
    private static let latest: UInt64 = 253_402_300_799

    package init(
        by: String,
        sinceRealtimeSeconds: UInt64?,
        untilRealtimeSeconds: UInt64? = nil,
        reason: String? = nil
    ) {
        self.by = by
        self.sinceRealtimeSeconds = sinceRealtimeSeconds
        self.untilRealtimeSeconds = untilRealtimeSeconds
        self.reason = reason
    }

    /// The file.
    package var text: String {
        let since = sinceRealtimeSeconds.map { "since \($0)\n" } ?? ""
        let until = untilRealtimeSeconds.map { "until \($0)\n" } ?? ""
        let reason = reason.map { "reason \(HoldText.oneLine($0))\n" } ?? ""
        return "version 1\nby \(HoldText.oneLine(by))\n\(since)\(until)\(reason)"
    }

    /// Any script, without control characters, at most `longestReason` bytes.
    private static func words(_ bytes: Span<UInt8>) -> String {
        var copy: [UInt8] = []
        for index in 0..<min(bytes.count, longestReason) { copy.append(bytes[index]) }
        var result = String.UnicodeScalarView()
        for scalar in String(decoding: copy, as: UTF8.self).unicodeScalars {
            let isControl = scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0)
            result.append(isControl ? "?" : scalar)
        }
        return String(result)
    }

    private static func oneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

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
            } else if text.equals("until", in: key) {
                hold.untilRealtimeSeconds = text.unsigned(value).flatMap { $0 <= latest ? $0 : nil }
            } else if text.equals("reason", in: key), !value.isEmpty {
                hold.reason = words(text.extracting(value.lowerBound..<line.upperBound))
            }
        }
        return hold
    }
}
