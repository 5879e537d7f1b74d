package import KSMModel

/// The survey as text, for the way from the process that looked to the daemon.
///
/// ```
/// ksmd-survey 1
/// ended 81234567890
/// cpu 43210000
/// signal kpageflags
/// guest 4711 81234 64.0 own 0:3012 1:17 merged 0:801 1:266
/// problem Failed to open /proc/4712/pagemap: Permission denied
/// end
/// ```
extension Survey {
    /// Guests that are read at most; a host with more KVM guests would be a thousand times larger than any.
    static let mostGuests = 65_536
    /// Problems that are read at most: there is one for each kind.
    static let mostProblems = 64
    /// Bytes of a problem's sentence that are kept.
    static let longestProblem = 400

    /// The text; a sentence with line breaks becomes one line.
    package var text: String {
        var text = "ksmd-survey 1\nended \(monotonicNanoseconds)\ncpu \(cpuNanoseconds)\n"
        text += "signal \(signal?.rawValue ?? "none")\n"
        for guest in guests {
            text += "guest \(guest.pid) \(guest.startTicks) \(guest.step)"
            text += " own\(Survey.counts(guest.own)) merged\(Survey.counts(guest.merged))\n"
        }
        for problem in problems.prefix(Survey.mostProblems) {
            text += "problem \(Array(problem.utf8).span.printable(limit: Survey.longestProblem))\n"
        }
        return text + "end\n"
    }

    private static func counts(_ pages: [Int: UInt64]) -> String {
        pages.sorted { $0.key < $1.key }.map { " \($0.key):\($0.value)" }.joined()
    }

    /// Parses the text.
    ///
    /// - Throws: when any line is not understood, or the end is missing: the process that looked was killed.
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> Survey {
        var survey = Survey(monotonicNanoseconds: 0, cpuNanoseconds: 0, signal: nil, guests: [])
        var next = 0
        var isFirst = true
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            // Without its line break it can be the start of another word.
            if text.equals("end", in: line), line.upperBound < text.count, !isFirst { return survey }
            let isRight = isFirst ? text.equals("ksmd-survey 1", in: line) : survey.take(text, line)
            guard isRight else { throw TextError(expected: "a line of a survey", found: text.extracting(line)) }
            isFirst = false
        }
        throw TextError(expected: "a survey with its end", found: text)
    }

    private mutating func take(_ text: Span<UInt8>, _ line: ByteRange) -> Bool {
        var position = line.lowerBound
        let key = text.word(in: line, from: &position)
        if text.equals("problem", in: key) {
            let rest = text.extracting(min(position + 1, line.upperBound)..<line.upperBound)
            if problems.count < Survey.mostProblems { problems.append(rest.printable(limit: Survey.longestProblem)) }
            return true
        }
        if text.equals("guest", in: key) { return take(guest: text, line, position) }
        let word = text.word(in: line, from: &position)
        if text.equals("signal", in: key) {
            signal = MergedSignal(rawValue: text.string(word))
            return signal != nil || text.equals("none", in: word)
        }
        guard let number = text.unsigned(word) else { return false }
        if text.equals("ended", in: key) {
            monotonicNanoseconds = number
        } else if text.equals("cpu", in: key) {
            cpuNanoseconds = number
        } else {
            return false
        }
        return true
    }

    private mutating func take(guest text: Span<UInt8>, _ line: ByteRange, _ start: Int) -> Bool {
        var position = start
        guard guests.count < Survey.mostGuests,
            let pid = text.unsigned(text.word(in: line, from: &position)).flatMap({ Int32(exactly: $0) }), pid > 0,
            let ticks = text.unsigned(text.word(in: line, from: &position)),
            let step = Double(text.string(text.word(in: line, from: &position))), step.isFinite, step >= 1,
            text.equals("own", in: text.word(in: line, from: &position))
        else { return false }
        var guest = GuestPlacement(pid: pid, startTicks: ticks)
        guest.step = step
        var isMerged = false
        while true {
            let word = text.word(in: line, from: &position)
            if word.isEmpty { break }
            if !isMerged, text.equals("merged", in: word) {
                isMerged = true
                continue
            }
            guard let (node, count) = Survey.count(text, word) else { return false }
            if isMerged { guest.merged[node] = count } else { guest.own[node] = count }
        }
        guests.append(guest)
        return isMerged
    }

    /// `node:pages`.
    private static func count(_ text: Span<UInt8>, _ word: ByteRange) -> (Int, UInt64)? {
        guard let colon = word.first(where: { text[$0] == UInt8(ascii: ":") }),
            let node = text.unsigned(word.lowerBound..<colon), node < UInt64(NodeList.limit),
            let count = text.unsigned(colon + 1..<word.upperBound)
        else { return nil }
        return (Int(node), count)
    }
}

extension SurveyedGuest {
    /// A line of the list of guests: `pid startTicks`.
    package var line: String { "\(pid) \(startTicks)\n" }

    /// Parses the list; lines that are no guest are left out.
    package static func parse(list text: Span<UInt8>) -> [SurveyedGuest] {
        var guests: [SurveyedGuest] = []
        var next = 0
        while next < text.count, guests.count < Survey.mostGuests {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            guard let pid = text.unsigned(text.word(in: line, from: &position)).flatMap({ Int32(exactly: $0) }),
                pid > 0,
                let ticks = text.unsigned(text.word(in: line, from: &position)),
                text.word(in: line, from: &position).isEmpty
            else { continue }
            guests.append(SurveyedGuest(pid: pid, startTicks: ticks))
        }
        return guests
    }
}
