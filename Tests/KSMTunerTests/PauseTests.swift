import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd
import KSMTestSupport
import KSMText
import KSMTuner
import Testing

@Suite("ksmctl pause and resume")
struct PauseTests {
    /// 16 GiB with 1 GiB free and a guest of 15 GiB: classic scans.
    private func pressed() throws -> (FixtureMachine, KernelRoot, Tuner) {
        let machine = try FixtureMachine()
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        try machine.guest(100, "vm1", residentPages: 3_932_160)
        let root = try KernelRoot(machine.path)
        return (machine, root, try Tuner(root, Settings()))
    }

    private func pause(_ root: KernelRoot, for seconds: UInt64?, _ reason: String? = nil) throws {
        let now = Clock.realtimeSeconds()
        var hold = StateReport.Hold(.pause, by: "anna", sinceRealtimeSeconds: now)
        hold.untilRealtimeSeconds = seconds.map { now + $0 }
        hold.reason = reason
        try Hold.write(root, hold)
    }

    private func state(_ tuner: Tuner) -> StateReport {
        tuner.report(StateReport(pid: 1, daemonVersion: "", policy: ""))
    }

    @Test("A pause stands, with its reason in state and journal, and goes on in a daemon that is started again")
    func stands() throws {
        let (machine, root, tuner) = try pressed()
        _ = tuner.tick()
        #expect(machine["run"] == "1")
        try pause(root, for: 7200, "migration of web1")
        let tick = tuner.tick(.operator)
        #expect(machine["run"] == "0")
        let paused = try #require(tick.entries.first { $0.id == .paused })
        #expect(paused.message.contains("anna said ksmctl pause until "))
        #expect(paused.message.contains("(migration of web1)"))
        #expect(paused.fields.contains(Reason.Field(.why, "migration of web1")))
        #expect(paused.fields.contains(Reason.Field(.by, "anna")))
        #expect(state(tuner).state == .paused && state(tuner).hold?.reason == "migration of web1")
        let second = try Tuner(root, Settings())
        _ = second.tick(.start)
        #expect(machine["run"] == "0" && state(second).state == .paused)
    }

    @Test("It ends by itself, and leaves nothing behind")
    func ends() throws {
        let (machine, root, tuner) = try pressed()
        try pause(root, for: 3600)
        _ = tuner.tick()
        #expect(machine["run"] == "0")
        // Its time has come.
        let text = HoldText(by: "anna", sinceRealtimeSeconds: 1, untilRealtimeSeconds: Clock.realtimeSeconds())
        try machine.write("run/ksmd/pause", text.text)
        #expect(tuner.tick().entries.contains { $0.id == .resumed })
        #expect(machine["run"] == "1" && machine.read("run/ksmd/pause") == nil)
    }

    @Test("ksmctl resume ends it")
    func resumed() throws {
        let (machine, root, tuner) = try pressed()
        try pause(root, for: nil)
        _ = tuner.tick()
        #expect(machine["run"] == "0" && state(tuner).hold?.untilRealtimeSeconds == nil)
        try Hold.resume(root)
        #expect(tuner.tick().entries.map(\.id).contains(.resumed))
        #expect(machine["run"] == "1")
    }

    @Test("A stop within a pause wins, and ending the one leaves the other")
    func both() throws {
        let (machine, root, tuner) = try pressed()
        try pause(root, for: 3600)
        _ = tuner.tick()
        try Hold.write(root, .init(by: "root", sinceRealtimeSeconds: 5))
        #expect(tuner.tick().entries.map(\.id) == [.held])
        #expect(state(tuner).state == .held)
        try Hold.release(root)
        #expect(tuner.tick().entries.map(\.id) == [.released, .paused])
        #expect(machine["run"] == "0" && state(tuner).state == .paused)
    }

    @Test("It also stops a scanner that somebody else had started, and is respected for")
    func foreign() throws {
        let machine = try FixtureMachine()
        let root = try KernelRoot(machine.path)
        let tuner = try Tuner(root, Settings())
        _ = tuner.tick()
        machine["run"] = "1"
        #expect(tuner.tick().entries.map(\.id) == [.foreignWrite])
        #expect(machine["run"] == "1")
        try pause(root, for: 3600)
        _ = tuner.tick(.operator)
        #expect(machine["run"] == "0" && state(tuner).state == .paused)
    }

    @Test("A reason in any script comes back, and a time that nobody can have meant is none")
    func text() {
        let said = HoldText(by: "anna", sinceRealtimeSeconds: 1, untilRealtimeSeconds: 9, reason: "Wartung für Müller")
        #expect(HoldText.parse(Array(said.text.utf8).span) == said)
        let odd = HoldText.parse(Array("by x\nuntil 99999999999999\nreason a\u{1B}[2Jb\n".utf8).span)
        #expect(odd.untilRealtimeSeconds == nil && odd.reason == "a?[2Jb")
        let long = HoldText.parse(Array("reason \(String(repeating: "ü", count: 3000))\n".utf8).span)
        #expect((long.reason?.utf8.count ?? 0) <= HoldText.longestReason + 2)
    }

    @Test("While it stands nothing is un-shared")
    func noUnsharing() throws {
        let (machine, root, _) = try pressed()
        try pause(root, for: 3600, "measuring")
        let result = Unmerger(root, Settings()).run(.init(scope: .local, force: true))
        #expect(result.outcome == .refused && result.sentence.contains("measuring"))
        #expect(machine["run"] == "0")
    }
}
