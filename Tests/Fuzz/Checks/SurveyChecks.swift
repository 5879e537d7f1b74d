import KSMModel
import KSMText

/// A guest's mappings, and the text in which a survey goes from one process to the other.
enum SurveyChecks {
    /// The whole file at once and in pieces gives the same, and what a second reading of its words gives.
    static func maps(_ input: [UInt8]) throws(Violation) {
        var whole: [MemoryArea] = []
        let taken = ProcessMaps.parse(input.span, isEnd: true) { whole.append($0) }
        try same(taken, input.count, "bytes taken")
        try same(whole, plain(input), "areas")
        for size in [1, 7, 4096] where input.count < 10_000 {
            try same(pieces(input, size), whole, "areas in pieces of \(size)")
        }
        for area in whole {
            try ensure(area.start < area.end && area.size > 0, "an area without size")
            try ensure(!area.isWorthSampling || area.canHoldMergedPages, "a sample of what cannot be merged")
        }
    }

    /// What comes through is what was sent, and nothing that the daemon must not ask for.
    static func request(_ input: [UInt8]) throws(Violation) {
        guard let request = HelperRequest.parse(input.span) else { return }
        try same(request.bytes, input, "a request printed")
        let isSurvey = request.arguments == ["--survey"]
        let isScope = request.arguments.first?.hasPrefix("--set-scope=") == true
        try ensure(isSurvey || isScope, "a request for \(request.arguments)")
        for argument in request.arguments.dropFirst() {
            try ensure(argument == "--force" || argument.hasPrefix("--by="), "the argument \(argument)")
        }
        try ensure(request.arguments.count <= 3, "\(request.arguments.count) arguments")
    }

    /// As a reader with a buffer does it.
    private static func pieces(_ input: [UInt8], _ size: Int) -> [MemoryArea] {
        var areas: [MemoryArea] = []
        var kept: [UInt8] = []
        var next = 0
        while next < input.count {
            let end = min(next + size, input.count)
            kept += input[next..<end]
            kept.removeFirst(ProcessMaps.parse(kept.span, isEnd: false) { areas.append($0) })
            next = end
        }
        _ = ProcessMaps.parse(kept.span, isEnd: true) { areas.append($0) }
        return areas
    }

    private static func plain(_ input: [UInt8]) -> [MemoryArea] {
        Plain.lines(input).compactMap { words in
            guard words.count >= 5, words[1].count == 4, let inode = Plain.unsigned(words[4]) else { return nil }
            let ends = words[0].split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
            let numbers = ends.compactMap { hexadecimal($0) }
            guard ends.count == 2, numbers.count == 2, numbers[0] < numbers[1] else { return nil }
            var area = MemoryArea(start: numbers[0], end: numbers[1])
            let flags = Array(words[1])
            area.isReadable = flags[0] == UInt8(ascii: "r")
            area.isWritable = flags[1] == UInt8(ascii: "w")
            area.isExecutable = flags[2] == UInt8(ascii: "x")
            area.isPrivate = flags[3] == UInt8(ascii: "p")
            area.inode = inode
            let name = words.count > 5 ? words[5] : []
            area.isSpecial = name.first == UInt8(ascii: "[") && !isMemory(name)
            return area
        }
    }

    private static func isMemory(_ name: ArraySlice<UInt8>) -> Bool {
        name.elementsEqual("[heap]".utf8) || name.elementsEqual("[stack]".utf8) || name.starts(with: "[anon:".utf8)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard digits.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    static func survey(_ input: [UInt8]) throws(Violation) {
        guard let survey = try? Survey.parse(input.span) else { return }
        try ensure(survey.problems.count <= 64, "\(survey.problems.count) problems")
        for guest in survey.guests {
            try ensure(guest.pid > 0 && guest.step >= 1 && guest.step.isFinite, "the guest \(guest)")
            let nodes = Array(guest.own.keys) + Array(guest.merged.keys)
            try ensure(nodes.allSatisfy { 0..<1024 ~= $0 }, "a node of \(guest)")
        }
        // A sentence that was cut ends in a sign that is no ASCII.
        guard survey.problems.allSatisfy({ $0.utf8.count == $0.count }) else { return }
        try same(try? Survey.parse(Array(survey.text.utf8).span), survey, "a survey printed and parsed")
    }

    static func guests(_ input: [UInt8]) throws(Violation) {
        let guests = SurveyedGuest.parse(list: input.span)
        try ensure(guests.allSatisfy { $0.pid > 0 }, "a guest without a pid")
        let text = Array(guests.map(\.line).joined().utf8)
        try same(SurveyedGuest.parse(list: text.span), guests, "guests printed and parsed")
    }
}
