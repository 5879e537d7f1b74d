import Foundation
import Glibc
import KSMKernel
import KSMModel
import KSMTestSupport
import KSMText
import Testing

@testable import KSMTuner

/// A program that stands in for `ksmd --survey`.
private final class StandIn {
    let path: String

    init(_ script: String) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "ksmd-survey-\(UUID().uuidString)").path
        let text = path + ".text"
        try "#!/bin/sh\n\(script)\n".write(toFile: text, atomically: true, encoding: .utf8)
        chmod(text, 0o755)
        defer { try? FileManager.default.removeItem(atPath: text) }
        // A file that this process had open for writing may still be so in a child that another test has just forked, and
        // cannot be executed (ETXTBSY).
        let copy = try Process.run(URL(filePath: "/bin/cp"), arguments: [text, path])
        copy.waitUntilExit()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("The child that looks where guests' memory lies")
struct SurveyProbeTests {
    private static let second: UInt64 = 1_000_000_000
    private let guests = [
        Guest(pid: 4711, startTicks: 12, name: "a", rssKiB: 1), Guest(pid: 4712, startTicks: 13, name: "b", rssKiB: 1),
    ]

    private func probe(_ program: String) throws -> SurveyProbe { SurveyProbe(try KernelRoot(), program: program) }

    private func wait(_ pid: Int32) -> Int32? {
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
        return status & 0x7f == 0 ? status >> 8 & 0xff : nil
    }

    /// Starts, waits and takes in.
    private func survey(_ probe: SurveyProbe, now: UInt64) throws -> Result<Survey, SurveyProbe.Failure> {
        let pid = try #require(try probe.start(now: now, guests: guests))
        return try #require(probe.finish(pid: pid, status: wait(pid)))
    }

    private static func answer(cpu: UInt64) -> String {
        "read pid ticks; printf 'ksmd-survey 1\\ncpu \(cpu)\\nguest %s %s 1 own 0:7 merged\\nend\\n' $pid $ticks"
    }

    @Test("It gets the guests on its standard input, and what it prints is the survey")
    func answers() throws {
        let standIn = try StandIn(Self.answer(cpu: 5))
        let survey = try survey(try probe(standIn.path), now: 1).get()
        #expect(survey.cpuNanoseconds == 5)
        #expect(survey.placement(of: guests[0])?.own == [0: 7])
    }

    @Test("It is called by a name under which nobody looks for a ksmd, with --survey")
    func arguments() throws {
        let standIn = try StandIn("[ \"$*\" = --survey ] && [ -z \"$HOME\" ] && " + Self.answer(cpu: 5))
        _ = try survey(try probe(standIn.path), now: 1).get()
    }

    @Test(
        "What is no survey is a failure in one sentence",
        arguments: [
            ("exit 3", "status 3"), ("kill -9 $$", "killed"), ("echo x", "\"x\""), ("true", "found nothing"),
            ("printf 'ksmd-survey 1\\n'", "its end"),
            ("head -c 9000000 /dev/zero", "File too large"),
        ]
    )
    func failures(_ script: String, _ part: String) throws {
        let standIn = try StandIn(script)
        let probe = try probe(standIn.path)
        let failure = #expect(throws: SurveyProbe.Failure.self) { _ = try survey(probe, now: 1).get() }
        #expect(failure?.description.contains(part) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains("\n") == false)
        // Tried again in an hour.
        #expect(try probe.start(now: 3599 * Self.second, guests: guests) == nil)
        _ = try survey(probe, now: 3601 * Self.second)
    }

    @Test("A program that cannot be started is an error, tried again in an hour")
    func missing() throws {
        let probe = try probe("/nonexistent")
        let error = #expect(throws: SystemError.self) { try probe.start(now: 1, guests: guests) }
        #expect(error?.errno == ENOENT)
        #expect(try probe.start(now: 3599 * Self.second, guests: guests) == nil)
    }

    @Test("Every five minutes; after one when guests came or went")
    func interval() throws {
        let standIn = try StandIn(Self.answer(cpu: 5))
        let probe = try probe(standIn.path)
        _ = try survey(probe, now: 0).get()
        #expect(try probe.start(now: 299 * Self.second, guests: guests) == nil)
        let changed = [guests[0], Guest(pid: 4712, startTicks: 14, name: "b", rssKiB: 1)]
        for other in [[guests[0]], changed] {
            #expect(try probe.start(now: 59 * Self.second, guests: other) == nil)
        }
        _ = try survey(probe, now: 300 * Self.second).get()
        let pid = try #require(try probe.start(now: 360 * Self.second, guests: changed))
        #expect(probe.finish(pid: pid, status: wait(pid)) != nil)
    }

    @Test("A thousandth of one CPU on average, whatever happens")
    func thrift() throws {
        let standIn = try StandIn(Self.answer(cpu: Self.second))
        let probe = try probe(standIn.path)
        _ = try survey(probe, now: 0).get()
        #expect(try probe.start(now: 999 * Self.second, guests: [guests[0]]) == nil)
        _ = try survey(probe, now: 1000 * Self.second).get()
    }

    @Test("One at a time; one that hangs is killed after a minute")
    func hangs() throws {
        let standIn = try StandIn("exec sleep 1000")
        let probe = try probe(standIn.path)
        let pid = try #require(try probe.start(now: 0, guests: guests))
        #expect(try probe.start(now: 60 * Self.second, guests: guests) == nil)
        #expect(kill(pid, 0) == 0)
        #expect(probe.finish(pid: pid + 1, status: 0) == nil)
        #expect(try probe.start(now: 61 * Self.second, guests: guests) == nil)
        #expect(wait(pid) == nil)
        guard case .failure = probe.finish(pid: pid, status: nil) else {
            Issue.record("a survey of a killed child")
            return
        }
        #expect(probe.finish(pid: pid, status: 0) == nil)
    }

    @Test("Nobody is asked when there are no guests, or the machine is a recorded one")
    func nobody() throws {
        let standIn = try StandIn(Self.answer(cpu: 5))
        #expect(try probe(standIn.path).start(now: 1, guests: []) == nil)
        let recorded = SurveyProbe(try KernelRoot("/"), program: standIn.path)
        #expect(try recorded.start(now: 1, guests: guests) == nil)
    }

    @Test("The child's signals are as by default, also those that the loop blocks")
    func signals() throws {
        let standIn = try StandIn(
            "grep -q '^SigBlk:.*0000000000000000$' /proc/self/status || exit 3\n" + Self.answer(cpu: 5)
        )
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGALRM)
        sigaddset(&blocked, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        _ = try survey(try probe(standIn.path), now: 1).get()
    }
}
