import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import KSMTuner
import Testing

@testable import ksmd

@Suite("ksmd --survey")
struct SurveyTests {
    private func survey(_ change: (inout SurveyCommand) -> Void = { _ in }) -> Command {
        var survey = SurveyCommand()
        change(&survey)
        return .survey(survey)
    }

    @Test("What is understood")
    func understood() throws {
        #expect(try Command.parse(["--survey"]) == survey())
        #expect(
            try Command.parse(["--survey", "12:34", "56"])
                == survey { $0.guests = [SurveyedGuest(pid: 12, startTicks: 34), SurveyedGuest(pid: 56)] }
        )
        #expect(try Command.parse(["--survey", "--full", "1"]) != Command.parse(["--survey", "1"]))
        #expect(try Command.parse(["--survey", "--samples=9"]) == survey { $0.budget.setPerGuest(9) })
    }

    @Test(
        "What is not",
        arguments: [
            ["--survey", "x"], ["--survey", "0"], ["--survey", "-1"], ["--survey", "1:2:3"], ["--survey", "1:"],
            ["--survey", "2147483648"], ["--survey", "--samples=0"], ["--survey", "--json"], ["--survey", "--restore"],
            ["--survey=1"], ["--full"], ["--samples=3"], ["12:34", "--survey"],
        ]
    )
    func refused(_ arguments: [String]) {
        #expect(throws: UsageError.self) { try Command.parse(arguments) }
    }

    @Test("It is no option for people")
    func hidden() {
        #expect(!Program.help.contains("survey"))
    }

    @Test("The program looks at this process and says where its memory lies", .enabled("needs root") { geteuid() == 0 })
    func program() throws {
        let (status, out, err) = try KSMTestSupport.Program.run(
            "ksmd",
            ["--survey", "--full", "\(getpid())", "\(getpid()):7"]
        )
        #expect(status == 0 && err.isEmpty)
        #expect(out.hasPrefix("ksmd-survey 1\n") && out.hasSuffix("\nend\n"))
        #expect(out.contains("\nguest \(getpid()) "))
        #expect(out.contains(" own 0:"))
        #expect(out.contains("\nproblem Failed to find guest \(getpid()): No such process\n"))
    }

    @Test("The daemon's probe gets it from the program", .enabled("needs root") { geteuid() == 0 })
    func probe() throws {
        let path = KSMTestSupport.Program.directory.appending(path: "ksmd").path
        let probe = SurveyProbe(try KernelRoot(), program: path)
        let stat = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        let me = Guest(pid: getpid(), startTicks: try #require(UInt64(fields[20])), name: "me", rssKiB: 1)
        let pid = try #require(try probe.start(now: 1, guests: [me]))
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
        let survey = try #require(try probe.finish(pid: pid, status: status >> 8)?.get())
        let pages = try #require(survey.placement(of: me)).own.values.reduce(0, +)
        #expect(pages > 10)
        #expect(survey.cpuNanoseconds > 100_000 && survey.cpuNanoseconds < 5_000_000_000)
        #expect(survey.problems.isEmpty)
    }
}
