import KSMModel
import KSMText
import Testing

@Suite("A survey crosses the border of a process as text")
struct SurveyTextTests {
    private static var survey: Survey {
        var first = GuestPlacement(pid: 4711, startTicks: 81_234)
        first.own = [0: 3012, 1: 17]
        first.merged = [0: 801, 1023: .max]
        first.step = 64
        var second = GuestPlacement(pid: .max, startTicks: .max)
        second.step = 1.5
        return Survey(
            monotonicNanoseconds: 81_234_567_890,
            cpuNanoseconds: 43_210_000,
            signal: .exclusive,
            guests: [first, second],
            problems: ["Failed to open /proc/1/pagemap: Permission denied", "ends", "end"]
        )
    }

    private static func parse(_ text: String) throws -> Survey { try Survey.parse(Array(text.utf8).span) }

    @Test("What is printed is parsed", arguments: [MergedSignal.kpageflags, .exclusive, nil])
    func roundTrip(_ signal: MergedSignal?) throws {
        var survey = Self.survey
        survey.signal = signal
        #expect(try Self.parse(survey.text) == survey)
    }

    @Test("A survey that was cut anywhere is none")
    func cut() {
        let bytes = Array(Self.survey.text.utf8)
        for length in 0..<bytes.count {
            #expect(throws: TextError.self) { try Survey.parse(Array(bytes[..<length]).span) }
        }
    }

    @Test("A sentence with a line break stays one line")
    func lineBreak() throws {
        var survey = Self.survey
        survey.problems = ["a\nend\nb\u{7}"]
        #expect(try Self.parse(survey.text).problems == ["a?end?b?"])
    }

    @Test("Problems are bounded in number and length")
    func problems() throws {
        var survey = Self.survey
        survey.problems = Array(repeating: String(repeating: "x", count: 1000), count: 1000)
        let parsed = try Self.parse(survey.text)
        #expect(parsed.problems.count == 64)
        #expect(parsed.problems.allSatisfy { $0.count <= 401 })
    }

    @Test(
        "A line that is not understood makes it none",
        arguments: [
            "", "x", "cpu", "cpu -1", "cpu 18446744073709551616", "signal", "signal smaps", "guest",
            "guest 1 2 1.0 own",
            "guest 0 2 1.0 own merged", "guest 2147483648 2 1.0 own merged", "guest 1 2 0.5 own merged",
            "guest 1 2 nan own merged", "guest 1 2 inf own merged", "guest 1 2 own merged", "guest 1 2 1 merged own",
            "guest 1 2 1.0 own 0 merged", "guest 1 2 1.0 own 1024:1 merged", "guest 1 2 1.0 own -1:1 merged",
            "guest 1 2 1.0 own 0: merged", "guest 1 2 1.0 own :1 merged", "guest 1 2 1.0 own merged 0:1 merged",
        ]
    )
    func refused(_ line: String) throws {
        #expect(throws: TextError.self) { try Self.parse("ksmd-survey 1\ncpu 1\n\(line)\nend\n") }
        #expect(throws: Never.self) { try Self.parse("ksmd-survey 1\ncpu 1\nguest 1 2 1 own merged\nend\n") }
    }

    @Test("Another version is none")
    func version() {
        #expect(throws: TextError.self) { try Self.parse("ksmd-survey 2\nend\n") }
        #expect(throws: TextError.self) { try Self.parse("end\n") }
    }

    @Test("The list of guests is parsed, and what is no guest left out")
    func guests() {
        let guests = [SurveyedGuest(pid: 1, startTicks: 0), SurveyedGuest(pid: .max, startTicks: .max)]
        let lines = guests.map(\.line).joined(separator: "0 1\n2\n-1 2\n3 4 5\n2147483648 1\nx y\n\n")
        #expect(SurveyedGuest.parse(list: Array(lines.utf8).span) == guests)
        #expect(SurveyedGuest.parse(list: [UInt8]().span).isEmpty)
    }
}
