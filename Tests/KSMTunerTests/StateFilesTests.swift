import KSMKernel
import KSMModel
import KSMReport
import KSMTestSupport
import KSMText
import KSMTuner
import Testing

/// A machine in which a ksmd of another version has worked: pages are few, so this one would write.
private func machine() throws -> FixtureMachine {
    let machine = try FixtureMachine()
    try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
    return machine
}

private func options(_ machine: FixtureMachine) -> DaemonOptions {
    var options = DaemonOptions()
    options.root = machine.path
    return options
}

@Suite("Files that the release before has written")
struct PreviousStateFilesTests {
    @Test("What it found comes back by this one's --restore")
    func saved() throws {
        let machine = try machine()
        try machine.leave("saved", of: .previous)
        #expect(try Daemon.restore(options(machine)) == 0)
        #expect(machine["run"] == "1")
        #expect(machine.read("run/ksmd/saved") == nil)
    }

    @Test("What it found stays what was found when this one starts, and is written as it was", arguments: [1, 2])
    func upgrade(_ ticks: Int) throws {
        let machine = try machine()
        try machine.leave("saved", of: .previous)
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        for _ in 0..<ticks { _ = tuner.tick() }
        let before = try StateFiles.text("saved", of: .previous)
        let now = before.replacing("pages_to_scan=10000\n", with: "pages_to_scan=10000 ours\n")
            .replacing("sleep_millisecs=10\n", with: "sleep_millisecs=10 ours\n")
        #expect(machine.read("run/ksmd/saved") == now)
    }

    @Test("Both write the same text: the release before can read this one's", arguments: ["saved", "unmerge"])
    func downgrade(_ name: String) throws {
        let text = try StateFiles.text(name, of: .previous)
        #expect(try SavedSettings.parse(Array(text.utf8).span).text == text)
    }

    @Test("An un-sharing of it that was killed is taken back by this one")
    func unmerge() throws {
        let machine = try machine()
        try machine.leave("unmerge", of: .previous)
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        #expect(tuner.saved.settings[.pages_to_scan]?.found == "1250")
        #expect(tuner.saved.settings[.run]?.found == "1")
        let told = tuner.tick().entries.map(\.id)
        #expect(told.contains(.unmergeFailed))
        #expect(machine.read("run/ksmd/unmerge") == nil)
    }

    @Test("Its stop and its pause hold")
    func holds() throws {
        let machine = try machine()
        try machine.leave("hold", "pause", of: .previous)
        let root = try KernelRoot(machine.path)
        #expect(Hold.read(root) == .init(.stop, by: "root", sinceRealtimeSeconds: 1_795_854_571))
        let pause = HoldText(
            by: "root",
            sinceRealtimeSeconds: 1_795_854_571,
            untilRealtimeSeconds: 1_795_858_171,
            reason: "1h backup of guests"
        )
        let text = try StateFiles.text("pause", of: .previous)
        #expect(HoldText.parse(Array(text.utf8).span) == pause)
        #expect(pause.text == text)
        _ = try Tuner(root, Settings()).tick()
        #expect(machine["run"] == "0")
    }

    @Test("The word of its ksmctl numa set is understood")
    func scope() throws {
        let machine = try machine()
        try machine.leave("scope", of: .previous)
        let root = try KernelRoot(machine.path)
        #expect(ScopeOverride.read(root) == .init(.across, by: "root", sinceRealtimeSeconds: 1_795_854_571))
        try ScopeOverride(.across, by: "root", sinceRealtimeSeconds: 1_795_854_571).write(root)
        #expect(machine.read("run/ksmd/scope") == (try StateFiles.text("scope", of: .previous)))
    }
}

@Suite("Files with lines that this version does not know")
struct LaterStateFilesTests {
    /// The lines of `later/saved` that only a later version understands.
    private let unknown = "written_by=0.2.0\nscanner_cpus=0-3 ours\n[node 1]\npages_to_scan_node1=500\n"

    @Test("Lines that are not understood stay in the file, whatever this version writes into it")
    func kept() throws {
        let machine = try machine()
        try machine.leave("saved", of: .later)
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        _ = tuner.tick()
        let text = try #require(machine.read("run/ksmd/saved"))
        #expect(text.contains("\nrun=1 ours\n") && text.contains("\npages_to_scan=10000 ours\n"))
        #expect(text.hasSuffix("\n" + unknown))
    }

    @Test("What both know comes back; what only the later one can put back waits for it, and is named")
    func restore() throws {
        let machine = try machine()
        try machine.leave("saved", of: .later)
        #expect(try Daemon.restore(options(machine)) == 1)
        #expect(machine["run"] == "1")
        let text = try #require(machine.read("run/ksmd/saved"))
        #expect(text.hasSuffix("boot_id=\(StateFiles.bootID)\n" + unknown))
        let root = try KernelRoot(machine.path)
        let sysfs = KSMSysfs(root, buffer: ReadBuffer())
        let saved = try SavedState(root, current: KSMAttributes(), isDryRun: false)
        let restorer = Restorer(sysfs, saved, SlowWriter(sysfs), isLive: false, keepStopped: false, isHeld: false)
        restorer.run(milliseconds: 1000)
        #expect(restorer.conclude()?.message.hasSuffix("can put back scanner_cpus=0-3 ours") == true)
        #expect(!restorer.succeeded && !restorer.failed)
    }

    @Test("Without anything that has to come back, lines that are not understood go with the file")
    func gone() throws {
        let machine = try machine()
        try machine.leave("saved", of: .later)
        try machine.write("run/ksmd/saved", machine.read("run/ksmd/saved")!.replacing("0-3 ours", with: "0-3"))
        #expect(try Daemon.restore(options(machine)) == 0)
        #expect(machine.read("run/ksmd/saved") == nil)
    }

    @Test("Of a later version's un-sharing what is known comes back once, and the rest waits")
    func unmerge() throws {
        let machine = try machine()
        try machine.leave("unmerge", of: .later)
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        #expect(tuner.tick().entries.map(\.id).contains(.unmergeFailed))
        let text = try #require(machine.read("run/ksmd/unmerge"))
        #expect(text.hasSuffix("boot_id=\(StateFiles.bootID)\nscanner_cpus=0-3 ours\n"))
        machine["pages_to_scan"] = "4711"
        #expect(tuner.tick().entries.map(\.id).contains(.foreignWrite))
    }

    @Test("A stop, a pause and a scope are obeyed")
    func words() throws {
        let machine = try machine()
        try machine.leave("hold", "pause", "scope", of: .later)
        let root = try KernelRoot(machine.path)
        #expect(Hold.read(root, .stop) == .init(.stop, by: "root", sinceRealtimeSeconds: 1_795_854_564))
        #expect(Hold.read(root, .pause)?.reason == "backup of guests")
        #expect(Hold.read(root, .pause)?.untilRealtimeSeconds == 9_795_858_171)
        #expect(ScopeOverride.read(root)?.setting == .across)
    }
}

@Suite("Files of a format that this version refuses")
struct IncompatibleStateFilesTests {
    private static let trouble =
        "expected the format's version 1, found \"2\"; KSM's settings and the file stay as they are"

    @Test("Nothing is written, not even by --restore, and a sentence says why", arguments: ["saved", "unmerge"])
    func refused(_ name: String) throws {
        let machine = try machine()
        try machine.leave(name, of: .incompatible)
        let before = machine.ksm
        for start in [{ _ = try Daemon($0) }, { _ = try Daemon.restore($0) }] as [(DaemonOptions) throws -> Void] {
            let refusal = #expect(throws: Refusal.self) { try start(options(machine)) }
            #expect(refusal?.status == 78)
            #expect(refusal?.description.hasPrefix("Failed to parse /run/ksmd/\(name): \(Self.trouble)") == true)
        }
        #expect(machine.read("run/ksmd/\(name)") == (try StateFiles.text(name, of: .incompatible)))
        #expect(machine.ksm == before)
    }

    @Test("A file that is none of ksmd's is refused as well", arguments: ["", "\u{0}\u{0}\u{0}", "run=1 ours\n"])
    func garbage(_ text: String) throws {
        let machine = try machine()
        try machine.write("run/ksmd/saved", text)
        let before = machine.ksm
        #expect(#expect(throws: Refusal.self) { try Daemon(options(machine)) }?.status == 78)
        #expect(machine.read("run/ksmd/saved") == text && machine.ksm == before)
    }

    @Test("What cannot be read may be readable at the next try: status 1")
    func unreadable() throws {
        let machine = try machine()
        try machine.write("run/ksmd/saved/directory", "")
        #expect(#expect(throws: Refusal.self) { try Daemon(options(machine)) }?.status == 1)
    }

    @Test("The next un-sharing begins nothing")
    func unmerger() throws {
        let machine = try machine()
        try machine.leave("unmerge", of: .incompatible)
        let before = machine.ksm
        let result = Unmerger(try KernelRoot(machine.path), Settings()).run(.init(scope: .local))
        #expect(result.outcome == .failed)
        #expect(result.sentence.contains(Self.trouble))
        #expect(machine.read("run/ksmd/unmerge") == (try StateFiles.text("unmerge", of: .incompatible)))
        #expect(machine.ksm == before)
    }

    @Test("A daemon that meets it while it runs says so once and leaves it")
    func whileRunning() throws {
        let machine = try machine()
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        _ = tuner.tick()
        try machine.write("run/ksmd/unmerge", try StateFiles.text("unmerge", of: .incompatible))
        let told = tuner.tick().entries.filter { $0.id == .unmergeFailed }
        #expect(told.count == 1 && told[0].message.contains("expected the format's version 1, found \"2\""))
        #expect(!tuner.tick().entries.map(\.id).contains(.unmergeFailed))
        #expect(machine.read("run/ksmd/unmerge") == (try StateFiles.text("unmerge", of: .incompatible)))
    }

    @Test("A dry run looks without what was found, and leaves the file")
    func dryRun() throws {
        let machine = try machine()
        try machine.leave("saved", "unmerge", of: .incompatible)
        _ = try Tuner(try KernelRoot(machine.path), Settings(), isDryRun: true).tick()
        #expect(machine.read("run/ksmd/saved") == (try StateFiles.text("saved", of: .incompatible)))
    }
}

@Suite("Which versions a reader takes")
struct FormatVersionTests {
    @Test(
        "Its own and the one before",
        arguments: [
            (1, 1, true), (2, 1, false), (0, 1, false), (1, 2, true), (1, 3, false), (3, 2, false), (0, 0, false),
        ] as [(UInt64, UInt64, Bool)]
    )
    func readable(found: UInt64, own: UInt64, isReadable: Bool) {
        #expect(FormatVersion.isReadable(found, by: own) == isReadable)
    }

    @Test("The largest number is a version like any other")
    func largest() {
        #expect(!FormatVersion.isReadable(.max, by: 1) && FormatVersion.isReadable(.max, by: .max))
    }
}
