/// The line that `ksmctl` keeps up to date on a terminal while it un-shares.
package enum ProgressLine {
    private static let barWidth = 24

    /// `copying    [######------------------]  25 %  web1  12 s left`.
    /// - Parameters:
    ///   - stage: one word.
    ///   - done, total: of the work; no bar while there is no total.
    ///   - guest: whose memory is at work.
    ///   - width: columns of the terminal; the line stays one short of it, so that it never breaks.
    package static func text(
        stage: String,
        done: UInt64,
        total: UInt64,
        guest: String?,
        remainingMilliseconds: UInt64?,
        width: Int
    ) -> String {
        var line = TextLayout.pad(stage, to: 9)
        if total > 0 {
            let part = min(1, Double(done) / Double(total))
            let filled = Int(part * Double(barWidth))
            line += "  [" + String(repeating: "#", count: filled)
            line += String(repeating: "-", count: barWidth - filled) + "]  "
            line += TextLayout.pad("\(Int(part * 100))", to: 3, .right) + " %"
        }
        if let guest { line += "  " + TextLayout.cut(Human.plain(guest), to: 20) }
        if let remainingMilliseconds {
            line +=
                "  \(Human.duration(seconds: (remainingMilliseconds.addingReportingOverflow(999).partialValue) / 1000)) left"
        }
        return TextLayout.cut(line, to: max(1, width - 1))
    }
}
