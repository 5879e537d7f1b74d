import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import KSMTuner
import Testing

@Suite("What an Unmerger leaves: ksmd knows what was found before it, and what comes back")
struct UnmergeTraceTests {
    private static let boot = "11111111-2222-3333-4444-555555555555"

    /// An Unmerger has set a short batch and stopped the scanner thread, and was killed.
    private func killed(boot: String = UnmergeTraceTests.boot) throws -> FixtureMachine {
        let machine = try FixtureMachine()
        machine["pages_to_scan"] = "100"
        machine["run"] = "0"
        try leaveNote(machine, boot: boot)
        return machine
    }

    private func leaveNote(_ machine: FixtureMachine, boot: String = UnmergeTraceTests.boot) throws {
        let lines = ["version=1", "boot_id=\(boot)", "run=1 ours", "pages_to_scan=5000 ours", "sleep_millisecs=20"]
        try machine.write("run/ksmd/unmerge", lines.joined(separator: "\n") + "\n")
    }

    private func tuner(_ machine: FixtureMachine) throws -> Tuner {
        try Tuner(try KernelRoot(machine.path), Settings())
    }

    @Test("A ksmd that starts then takes for found what was there before the Unmerger")
    func found() throws {
        let saved = try tuner(killed()).saved.settings
        #expect(saved[.run]?.found == "1" && saved[.pages_to_scan]?.found == "5000")
        #expect(saved[.sleep_millisecs]?.found == "20")
        // Of another boot it says nothing.
        #expect(try tuner(killed(boot: "other")).saved.settings[.pages_to_scan]?.found == "100")
    }

    @Test("It comes back at once, is told once, and then the file goes")
    func comesBack() throws {
        let machine = try killed()
        let tuner = try tuner(machine)
        let first = tuner.tick()
        #expect(first.entries.filter { $0.message.hasPrefix("An un-sharing was cut short") }.count == 1)
        #expect(machine["pages_to_scan"] == "5000")
        #expect(machine.read("run/ksmd/unmerge") == nil)
        let second = tuner.tick()
        #expect(second.entries.isEmpty)
        #expect(machine.read("run/ksmd/unmerge") == nil)
        #expect(machine["pages_to_scan"] == "5000")
    }

    @Test("What a policy sets in its place is settled too")
    func policyDecides() throws {
        let machine = try pressedAndKilled()
        let tuner = try tuner(machine)
        _ = tuner.tick()
        #expect(machine["pages_to_scan"] == "300")
        _ = tuner.tick()
        #expect(machine["pages_to_scan"] == "600")
        #expect(machine.read("run/ksmd/unmerge") == nil)
    }

    @Test("A stop before the next tick leaves nothing of it behind")
    func stop() throws {
        let machine = try pressedAndKilled()
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        #expect(tuner.mayWrite())
        #expect(machine["pages_to_scan"] == "5000" && machine.read("run/ksmd/unmerge") == nil)
    }

    @Test("What somebody else had set, and is respected, comes back and stays his")
    func respected() throws {
        let machine = try pressedAndKilled(withNote: false)
        let tuner = try tuner(machine)
        _ = tuner.tick()
        machine["pages_to_scan"] = "5000"
        #expect(tuner.tick().entries.map(\.id) == [.foreignWrite])
        try leaveNote(machine)
        machine["pages_to_scan"] = "100"
        for _ in 1...3 { #expect(!tuner.tick().entries.contains { $0.id == .foreignWrite }) }
        #expect(machine["pages_to_scan"] == "5000")
    }

    @Test("A second one that is killed is told and put back as the first was")
    func twice() throws {
        let machine = try killed()
        let tuner = try tuner(machine)
        for _ in 1...2 {
            let tick = tuner.tick()
            #expect(tick.entries.map(\.id) == [.unmergeFailed])
            #expect(machine["pages_to_scan"] == "5000" && machine.read("run/ksmd/unmerge") == nil)
            try leaveNote(machine)
            machine["pages_to_scan"] = "100"
        }
    }

    /// Memory is short and a guest is there.
    private func pressedAndKilled(withNote: Bool = true) throws -> FixtureMachine {
        let machine = try killed()
        if !withNote { try machine.remove("run/ksmd/unmerge") }
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        try machine.guest(100, "vm1", residentPages: 3_932_160)
        return machine
    }

    @Test("What could block the loop is not written there, whatever a note says")
    func blocking() throws {
        let machine = try killed()
        let lines = ["version=1", "boot_id=\(UnmergeTraceTests.boot)", "merge_across_nodes=0 ours", "run=1 ours"]
        try machine.write("run/ksmd/unmerge", lines.joined(separator: "\n") + "\n")
        let tuner = try tuner(machine)
        #expect(tuner.mayWrite())
        #expect(machine["merge_across_nodes"] == "1" && machine["run"] == "0")
    }

    @Test("A file of another boot goes without a word")
    func otherBoot() throws {
        let machine = try killed(boot: "other")
        let tick = try tuner(machine).tick()
        #expect(tick.entries.isEmpty && machine["pages_to_scan"] == "100")
        #expect(machine.read("run/ksmd/unmerge") == nil)
    }

    @Test(
        "The scope comes back at the end unless an Unmerger has changed it or an operator has said what it is to be",
        arguments: [(UInt64(0), false, true), (0, true, false), (1, false, false)]
    )
    func scope(_ now: UInt64, _ isSaid: Bool, _ comesBack: Bool) throws {
        let machine = try FixtureMachine()
        let root = try KernelRoot(machine.path)
        let sysfs = KSMSysfs(root, buffer: ReadBuffer())
        var unread: [String] = []
        let current = sysfs.readAll(problems: &unread)
        let saved = try SavedState(root, current: current, isDryRun: false)
        let applier = Applier(
            sysfs,
            saved: saved,
            current: current,
            handling: .respect,
            isDryRun: false,
            isLive: false
        )
        _ = applier.apply([Write(.merge_across_nodes, 0)])
        #expect(saved.settings[.merge_across_nodes]?.isOurs == true)
        machine["merge_across_nodes"] = String(now)
        applier.acceptUnmerger(sysfs.readAll(problems: &unread), isScopeSaid: isSaid)
        #expect(saved.settings[.merge_across_nodes]?.isOurs == comesBack)
    }
}
