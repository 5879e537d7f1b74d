import Foundation
import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd
import KSMTestSupport
import KSMTuner
import Testing

@Suite("One tick: sample, step, apply, report")
struct TunerTests {
    private func tuner(_ machine: FixtureMachine, _ settings: Settings = Settings(), isDryRun: Bool = false) throws
        -> Tuner
    {
        try Tuner(try KernelRoot(machine.path), settings, isDryRun: isDryRun)
    }

    /// 16 GiB with 1 GiB free and a guest of 15 GiB: classic boosts.
    private func pressed() throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        try machine.guest(100, "vm1", residentPages: 3_932_160)
        return machine
    }

    @Test("Under pressure the batch grows and KSM runs; the change is one entry")
    func boost() throws {
        let machine = try pressed()
        let tuner = try tuner(machine)
        let first = tuner.tick()
        #expect(machine["pages_to_scan"] == "300" && machine["sleep_millisecs"] == "10" && machine["run"] == "1")
        #expect(first.entries.map(\.id) == [.scanningStarted])
        #expect(first.entries.first?.message.contains("pages_to_scan 100 → 300") == true)
        #expect(first.entries.first?.fields.contains(Reason.Field.set(.run, "1")) == true)
        let second = tuner.tick()
        #expect(second.entries.map(\.id) == [.decision])
        #expect(machine["pages_to_scan"] == "600")
    }

    @Test("A quiet host is a quiet journal: what has its value is not written again and not told")
    func quiet() throws {
        let machine = try FixtureMachine()
        let tuner = try tuner(machine)
        for _ in 1...5 {
            let tick = tuner.tick()
            #expect(tick.decision.writes == [Write(.run, 0)])
            #expect(tick.entries.isEmpty)
        }
        #expect(machine.read("run/ksmd/saved") == nil)
    }

    @Test("A dry run decides and writes nothing, no file of ours either")
    func dryRun() throws {
        let machine = try pressed()
        let tick = try tuner(machine, isDryRun: true).tick()
        #expect(tick.decision.writes.map(\.attribute) == [.pages_to_scan, .sleep_millisecs, .run])
        #expect(machine["run"] == "0" && machine["pages_to_scan"] == "100")
        #expect(machine.read("run/ksmd/saved") == nil)
    }

    @Test("The found values are on disk before the first write, with those that are ksmd's marked")
    func savedBefore() throws {
        let machine = try pressed()
        _ = try tuner(machine).tick()
        let saved = try #require(machine.read("run/ksmd/saved"))
        #expect(saved.contains("version=1\n") && saved.contains("boot_id=11111111-2222-3333-4444-555555555555\n"))
        #expect(saved.contains("pages_to_scan=100 ours\n") && saved.contains("run=0 ours\n"))
        #expect(saved.contains("merge_across_nodes=1\n"))
    }

    @Test("A later start does not take ksmd's own values for what was found")
    func startedTwice() throws {
        let machine = try pressed()
        _ = try tuner(machine).tick()
        // Killed; started again: pages_to_scan is 300 now.
        let second = try tuner(machine)
        _ = second.tick()
        #expect(second.saved.settings[.pages_to_scan]?.found == "100")
        #expect(machine.read("run/ksmd/saved")?.contains("pages_to_scan=100 ours\n") == true)
    }

    @Test("Values of another boot are forgotten")
    func otherBoot() throws {
        let machine = try pressed()
        try machine.write("run/ksmd/saved", "version=1\nboot_id=other\npages_to_scan=77 ours\n")
        #expect(try tuner(machine).saved.settings[.pages_to_scan]?.found == "100")
    }

    @Test("A file of saved values that cannot be understood stops ksmd: nothing may be changed then")
    func brokenSaved() throws {
        let machine = try pressed()
        try machine.write("run/ksmd/saved", "\u{0}\u{0}")
        #expect(throws: SavedStateError.self) { try tuner(machine) }
        #expect(machine["run"] == "0")
    }

    @Test("A missing attribute is left out; the others are set", arguments: ["pages_to_scan", "sleep_millisecs"])
    func missing(_ attribute: String) throws {
        let machine = try pressed()
        try machine.remove("sys/kernel/mm/ksm/\(attribute)")
        let tick = try tuner(machine).tick()
        #expect(machine["run"] == "1")
        #expect(machine[attribute] == nil)
        #expect(tick.entries.map(\.id) == [.scanningStarted])
    }

    @Test("A write that fails is told once, with what is kept, and the tick goes on")
    func refused() throws {
        let machine = try pressed()
        try machine.remove("sys/kernel/mm/ksm/sleep_millisecs")
        // A link to nowhere below a directory that is missing: reading and writing fail with ENOENT; a directory: EISDIR.
        try FileManager.default.createDirectory(
            at: machine.url("sys/kernel/mm/ksm/sleep_millisecs"),
            withIntermediateDirectories: false
        )
        let tuner = try tuner(machine)
        let first = tuner.tick()
        #expect(
            first.entries.contains { $0.id == .sampleProblem && $0.message.contains("sleep_millisecs: Is a directory") }
        )
        #expect(machine["run"] == "1")
        #expect(!tuner.tick().entries.contains { $0.id == .sampleProblem })
    }

    @Test("Without /proc/meminfo nothing is decided, and it is told once")
    func noMeminfo() throws {
        let machine = try pressed()
        try machine.remove("proc/meminfo")
        let tuner = try tuner(machine)
        let tick = tuner.tick()
        #expect(tick.decision.writes.isEmpty)
        #expect(tick.entries.map(\.id) == [.sampleProblem])
        #expect(tuner.tick().entries.isEmpty)
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        #expect(!tuner.tick().decision.writes.isEmpty)
    }

    // MARK: Others write too

    @Test("Somebody else's value is told once and respected")
    func respected() throws {
        let machine = try pressed()
        let tuner = try tuner(machine)
        _ = tuner.tick()
        machine["run"] = "0"
        let tick = tuner.tick()
        #expect(tick.entries.filter { $0.id == .foreignWrite }.count == 1)
        #expect(machine["run"] == "0")
        #expect(tuner.report(StateReport(pid: 1, daemonVersion: "", policy: "")).state == .foreign)
        #expect(!tuner.tick().entries.contains { $0.id == .foreignWrite })
        #expect(machine["run"] == "0")
        // It is not put back at the end either.
        #expect(tuner.saved.settings[.run]?.isOurs == false)
        // A reload makes it ksmd's again.
        tuner.reload(Settings())
        _ = tuner.tick()
        #expect(machine["run"] == "1")
    }

    @Test("With ForeignWrites=retake it is taken back, and told once per value")
    func retaken() throws {
        let machine = try pressed()
        var settings = Settings()
        settings.foreignWrites = .retake
        let tuner = try tuner(machine, settings)
        _ = tuner.tick()
        for round in 1...3 {
            machine["run"] = "0"
            let tick = tuner.tick()
            #expect(machine["run"] == "1")
            #expect(tick.entries.filter { $0.id == .foreignWrite }.count == (round == 1 ? 1 : 0), "round \(round)")
        }
        // Quiet in between makes it news again.
        _ = tuner.tick()
        machine["run"] = "0"
        #expect(tuner.tick().entries.contains { $0.id == .foreignWrite })
    }

    @Test("A setting that ksmd never wrote is told when it changes, and is nobody's to put back")
    func notOurs() throws {
        let machine = try pressed()
        let tuner = try tuner(machine)
        _ = tuner.tick()
        machine["use_zero_pages"] = "1"
        let entries = tuner.tick().entries.filter { $0.id == .foreignWrite }
        #expect(entries.count == 1)
        #expect(entries.first?.message.contains("use_zero_pages was 0") == true)
        #expect(tuner.saved.settings[.use_zero_pages]?.isOurs == false)
    }

    @Test("run is read as 5 while memory goes offline, and that is no foreign write")
    func offline() throws {
        let machine = try pressed()
        let tuner = try tuner(machine)
        _ = tuner.tick()
        machine["run"] = "5"
        #expect(!tuner.tick().entries.contains { $0.id == .foreignWrite })
        #expect(machine["run"] == "5")
    }

    // MARK: The advisor

    @Test("The kernel's advisor, found on, is set to none first")
    func advisorTaken() throws {
        let machine = try pressed()
        machine["advisor_mode"] = "none [scan-time]"
        let tuner = try tuner(machine)
        let tick = tuner.tick()
        #expect(machine["advisor_mode"] == "none")
        #expect(tick.entries.contains { $0.id == .advisorTakenOver })
        #expect(
            tuner.saved.settings[.advisor_mode] == SavedSettings.Entry(.advisor_mode, found: "scan-time", isOurs: true)
        )
    }

    @Test("With Advisor=keep it stays, and pages_to_scan is left to it")
    func advisorKept() throws {
        let machine = try pressed()
        machine["advisor_mode"] = "none [scan-time]"
        var settings = Settings()
        settings.advisor = .keep
        let tick = try tuner(machine, settings).tick()
        #expect(machine["advisor_mode"] == "none [scan-time]")
        #expect(machine["pages_to_scan"] == "100" && machine["run"] == "1")
        #expect(tick.entries.filter { $0.id == .advisorTakenOver }.count == 1)
        #expect(!tick.entries.contains { $0.id == .writeFailed })
    }

    // MARK: The hold

    @Test("ksmctl stop holds over a restart until ksmctl start, and is no foreign write")
    func hold() throws {
        let machine = try pressed()
        let root = try KernelRoot(machine.path)
        let first = try tuner(machine)
        _ = first.tick()
        try Hold.write(root, .init(by: "root", sinceRealtimeSeconds: 1_700_000_000))
        machine["run"] = "0"
        let held = first.tick()
        #expect(held.entries.map(\.id) == [.held])
        #expect(first.report(StateReport(pid: 1, daemonVersion: "", policy: "")).state == .held)
        #expect(first.hold == StateReport.Hold(by: "root", sinceRealtimeSeconds: 1_700_000_000))
        let second = try tuner(machine)
        _ = second.tick()
        #expect(machine["run"] == "0")
        try Hold.release(root)
        #expect(second.tick().entries.contains { $0.id == .released })
        #expect(machine["run"] == "1")
    }

    @Test("ksmctl start also takes back what somebody else had taken")
    func startAfterForeign() throws {
        let machine = try pressed()
        let tuner = try tuner(machine)
        _ = tuner.tick()
        machine["run"] = "0"
        _ = tuner.tick()
        #expect(machine["run"] == "0")
        // It has been changed once more since the last tick.
        machine["run"] = "2"
        try Hold.release(try KernelRoot(machine.path))
        #expect(!tuner.tick().entries.contains { $0.id == .foreignWrite })
        #expect(machine["run"] == "1")
    }

    @Test("The log lines of ksmtuned go to LogFile behind the date, every tick, as with DEBUG=1")
    func legacyLog() throws {
        let machine = try pressed()
        var settings = Settings()
        settings.debug = true
        settings.logFile = "/var/log/ksmtuned"
        try machine.write("var/log/other", "")
        let tuner = try tuner(machine, settings)
        _ = tuner.tick()
        _ = tuner.tick()
        let lines = try #require(machine.read("var/log/ksmtuned")).split(separator: "\n").map(String.init)
        #expect(lines.count == 3 + 4 + 4)
        #expect(lines[0].hasSuffix(": total 16777216"))
        #expect(lines[6].hasSuffix(": KSMCTL start 300 10"))
        #expect(
            lines[6].wholeMatch(of: /[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \S+ \d{4}: KSMCTL.*/) != nil
        )
    }

    @Test("A log file that cannot be written is one warning, and the tick goes on")
    func logTrouble() throws {
        let machine = try pressed()
        var settings = Settings()
        settings.debug = true
        settings.logFile = "/nowhere/ksmtuned"
        let tuner = try tuner(machine, settings)
        let warnings = tuner.tick().entries.filter { $0.id == .configurationWarning }
        #expect(
            warnings.map(\.message) == [
                "Failed to open for writing /nowhere/ksmtuned: No such file or directory, so ksmtuned's log lines are lost;"
                    + " the unit's sandbox allows /var/log/ksmtuned only: for another place see"
                    + " /usr/share/doc/ksmd/examples/log-file.conf"
            ]
        )
        #expect(tuner.tick().entries.filter { $0.id == .configurationWarning }.isEmpty)
        #expect(machine["run"] == "1")
    }
}
