import KSMModel
import KSMReport

/// All figures of one moment.
struct Picture {
    var elapsedSeconds: Int
    var totalSeconds: Int
    var savedBytes: UInt64?
    /// What can be saved; `nil` where nobody knows.
    var attainableBytes: UInt64?
    var residentBytes: UInt64
    /// Share of one core in the last second.
    var scannerPermille: UInt32?
    /// CPU time of the scanner since the demonstration began.
    var scannerNanoseconds: UInt64?
    /// Passes over all mergeable memory since the demonstration began.
    var fullScans: UInt64
    var ksm: KSMAttributes
    var account: TunerProcess.Account?
    var guests: [StateReport.Guest]

    /// `312.4 MiB of 415.9 MiB attainable`.
    var progress: String {
        let saved = savedBytes.map(Picture.mebibytes) ?? "?"
        if let attainableBytes { return "\(saved) of \(Picture.mebibytes(attainableBytes)) attainable" }
        return "\(saved) of \(Picture.mebibytes(residentBytes)) resident"
    }

    /// Always MiB with one decimal.
    static func mebibytes(_ bytes: UInt64) -> String {
        let tenths = (bytes >> 20) * 10 + ((bytes & 0xf_ffff) * 10 + 0x8_0000) >> 20
        return "\(tenths / 10).\(tenths % 10) MiB"
    }

    /// ksmd's decision and why.
    var decision: String {
        guard let account else { return "has not said anything yet" }
        return "\(account.state): \(account.reason)"
    }

    /// The guests by name; with very many, the first ones and how many more.
    func table(limit: Int) -> String {
        guard !guests.isEmpty else { return "" }
        var table = TextTable([
            .init("GUEST"), .init("PID", .right), .init("RSS", .right), .init("MERGED", .right), .init("SAVED", .right),
        ])
        let unknown = "-"
        for guest in guests.prefix(limit) {
            table.add([
                guest.name, "\(guest.pid)", Picture.mebibytes(guest.rssBytes),
                guest.mergedBytes.map(Picture.mebibytes) ?? unknown,
                guest.savedBytes.map(Picture.mebibytes) ?? unknown,
            ])
        }
        let more = guests.count > limit ? "… and \(guests.count - limit) more\n" : ""
        return table.text() + more
    }
}

/// The live display: drawn over in place on a terminal, else a line now and then.
final class Display {
    /// Seconds between two lines where lines cannot be drawn over.
    private static let linePeriod = 5
    /// Guests in the live table: a small terminal has 24 lines.
    static let tableLimit = 10

    private var linesDrawn = 0
    private var lastLine = 0

    /// - Returns: false when nobody watches any more.
    func show(_ picture: Picture) -> Bool {
        if Screen.isTerminal { return redraw(frame(picture)) }
        guard picture.elapsedSeconds >= lastLine + Display.linePeriod else { return true }
        lastLine = picture.elapsedSeconds
        return Screen.write(line(picture))
    }

    /// A short notice in place of the display, for a time before there are figures.
    func notice(_ text: String) -> Bool {
        Screen.isTerminal ? redraw(text + "\n") : true
    }

    /// What is on the screen stays; the next drawing begins below.
    func settle() {
        linesDrawn = 0
    }

    /// Moves up over the last frame, clears to the end of the screen, draws.
    private func redraw(_ text: String) -> Bool {
        let up = linesDrawn > 0 ? "\u{1b}[\(linesDrawn)A\r\u{1b}[J" : ""
        linesDrawn = text.utf8.count { $0 == UInt8(ascii: "\n") }
        return Screen.write(up + text)
    }

    private func frame(_ picture: Picture) -> String {
        var text = "time      \(picture.elapsedSeconds) s of \(picture.totalSeconds) s\n"
        text += "saved     \(picture.progress)\(bar(picture))\n"
        text += "scanner   \(scanner(picture))\n"
        text += TextLayout.wrap(Human.plain(picture.decision), first: "ksmd      ", indent: 10)
        return text + "\n" + picture.table(limit: Display.tableLimit)
    }

    private func bar(_ picture: Picture) -> String {
        guard let saved = picture.savedBytes, let attainable = picture.attainableBytes, attainable > 0 else {
            return ""
        }
        let percent = Int(min(100, saved * 100 / attainable))
        let filled = percent / 5
        return "  " + String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
            + "  \(percent) %"
    }

    private func scanner(_ picture: Picture) -> String {
        let share = picture.scannerPermille.map(Human.cpuShare) ?? "?"
        let total = picture.scannerNanoseconds.map { Human.cpuTime(nanoseconds: $0) } ?? "?"
        let scans = Human.count(picture.fullScans, "full scan")
        let batch = picture.ksm.number(.pages_to_scan).map { "\($0)" } ?? "?"
        let sleep = picture.ksm.number(.sleep_millisecs).map { "\($0)" } ?? "?"
        return "\(share), \(total) in all; \(batch) pages every \(sleep) ms; \(scans)"
    }

    private func line(_ picture: Picture) -> String {
        let names = picture.guests.prefix(Display.tableLimit).map { guest in
            "\(Human.plain(guest.name)) \(guest.savedBytes.map(Picture.mebibytes) ?? "?")"
        }
        let parts = names.isEmpty ? "" : "       \(names.joined(separator: ", "))\n"
        let seconds = TextLayout.pad("\(picture.elapsedSeconds) s", to: 5, .right)
        return "\(seconds)  saved \(picture.progress); scanner \(scanner(picture))\n"
            + "       ksmd \(Human.plain(picture.decision))\n" + parts
    }
}
