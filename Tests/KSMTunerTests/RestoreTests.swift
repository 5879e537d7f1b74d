import Foundation
import KSMKernel
import KSMModel
import KSMReport
import KSMPolicy
import KSMTestSupport
import KSMTuner
import Testing

@Suite("What was there before comes back")
struct RestoreTests {
    private func saved(_ entries: [SavedSettings.Entry]) -> SavedSettings {
        SavedSettings(bootID: "x", entries: entries)
    }

    private let running = KSMAttributes([
        .run: .unsigned(1), .pages_to_scan: .unsigned(1250), .sleep_millisecs: .unsigned(10),
        .pages_shared: .unsigned(5),
        .merge_across_nodes: .unsigned(0), .max_page_sharing: .unsigned(100), .advisor_mode: .word("none"),
        .advisor_min_pages_to_scan: .unsigned(500),
    ])

    @Test("Only what ksmd wrote, run last")
    func plan() {
        let plan = RestorePlan(
            saved([
                .init(.run, found: "0", isOurs: true), .init(.pages_to_scan, found: "100", isOurs: true),
                .init(.sleep_millisecs, found: "20"), .init(.use_zero_pages, found: "1"),
            ]),
            current: running
        )
        #expect(plan.writes == [Write(.pages_to_scan, 100), Write(.run, 0)])
        #expect(plan.postponed.isEmpty)
    }

    @Test("merge_across_nodes and max_page_sharing wait while pages are shared, and say so")
    func postponed() {
        let entries: [SavedSettings.Entry] = [
            .init(.merge_across_nodes, found: "1", isOurs: true), .init(.max_page_sharing, found: "256", isOurs: true),
            .init(.run, found: "0", isOurs: true),
        ]
        let plan = RestorePlan(saved(entries), current: running)
        #expect(plan.writes == [Write(.run, 0)])
        #expect(plan.postponed.map(\.attribute) == [.merge_across_nodes, .max_page_sharing])
        #expect(plan.postponed.first?.sentence.contains("5 pages are shared") == true)
        var free = running
        free[.pages_shared] = .unsigned(0)
        #expect(RestorePlan(saved(entries), current: free).writes.count == 3)
    }

    @Test("A found run of 2 comes back as 0: un-sharing needs memory that may not be there")
    func neverTwo() {
        for found in ["2", "02", "+2", "1\u{0}2", "3", ""] {
            let plan = RestorePlan(saved([.init(.run, found: found, isOurs: true)]), current: running)
            #expect(plan.writes == [Write(.run, 0)], "\(found)")
        }
    }

    @Test("Nothing but 0 and 1 is ever written to run", arguments: ["2", "02", "+2", "3", "", "1\n2"])
    func lastDoor(_ value: String) throws {
        let machine = try pressed()
        let sysfs = KSMSysfs(try KernelRoot(machine.path), buffer: ReadBuffer())
        let error = #expect(throws: SystemError.self) { try sysfs.write(.run, value) }
        #expect(error?.errno == EPERM)
        #expect(throws: SystemError.self) { _ = try SlowWriter(sysfs).start(Write(.run, value)) }
        #expect(machine["run"] == "0")
    }

    @Test("An advisor that was on comes back with its batch, and its minimum stays what it was")
    func advisor() {
        let plan = RestorePlan(
            saved([
                .init(.pages_to_scan, found: "4970", isOurs: true),
                .init(.advisor_mode, found: "scan-time", isOurs: true),
                .init(.advisor_min_pages_to_scan, found: "500"), .init(.run, found: "1", isOurs: true),
            ]),
            current: running
        )
        #expect(
            plan.writes == [
                Write(.advisor_min_pages_to_scan, 4970), Write(.advisor_mode, "scan-time"),
                Write(.advisor_min_pages_to_scan, 500),
            ]
        )
    }

    @Test("An advisor that was on with KSM stopped comes back when the scanning has ended")
    func advisorOfStopped() {
        let plan = RestorePlan(
            saved([
                .init(.pages_to_scan, found: "500", isOurs: true), .init(.sleep_millisecs, found: "45", isOurs: true),
                .init(.advisor_mode, found: "scan-time", isOurs: true),
                .init(.advisor_min_pages_to_scan, found: "500"), .init(.run, found: "0", isOurs: true),
            ]),
            current: running
        )
        #expect(
            plan.writes == [
                Write(.sleep_millisecs, 45), Write(.run, 0), Write(.advisor_min_pages_to_scan, 500),
                Write(.advisor_mode, "scan-time"), Write(.advisor_min_pages_to_scan, 500),
            ]
        )
    }

    @Test("Held or OnStop=stop: run stays 0 whatever was found")
    func keepStopped() {
        let plan = RestorePlan(saved([.init(.run, found: "1", isOurs: true)]), current: running, keepStopped: true)
        #expect(plan.writes == [Write(.run, 0)])
    }

    @Test("Held by ksmctl stop: run stays 0, and the 1 that was found is kept for later")
    func held() throws {
        let machine = try pressed()
        machine["run"] = "1"
        machine["pages_to_scan"] = "77"
        let root = try KernelRoot(machine.path)
        let tuner = try Tuner(root, Settings())
        _ = tuner.tick()
        try Hold.write(root, .init(by: "root", sinceRealtimeSeconds: 1))
        _ = tuner.tick()
        #expect(machine["run"] == "0")
        #expect(try Daemon.restore(options(machine)) == 1)
        #expect(machine["run"] == "0" && machine["pages_to_scan"] == "77")
        #expect(machine.read("run/ksmd/saved")?.contains("run=1 ours") == true)
        try Hold.release(root)
        #expect(try Daemon.restore(options(machine)) == 0)
        #expect(machine["run"] == "1" && machine.read("run/ksmd/saved") == nil)
    }

    private func options(_ machine: FixtureMachine) -> DaemonOptions {
        var options = DaemonOptions()
        options.root = machine.path
        return options
    }

    private func pressed() throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        return machine
    }

    @Test("ksmd --restore after a SIGKILL, and once more without anything to do")
    func restore() throws {
        let machine = try pressed()
        _ = try Tuner(try KernelRoot(machine.path), Settings()).tick()
        #expect(machine["run"] == "1")
        #expect(try Daemon.restore(options(machine)) == 0)
        #expect(machine["run"] == "0" && machine["pages_to_scan"] == "100" && machine["sleep_millisecs"] == "20")
        #expect(machine.read("run/ksmd/saved") == nil)
        #expect(try Daemon.restore(options(machine)) == 0)
    }

    @Test("What cannot come back is kept for later, over another start and stop")
    func later() throws {
        let machine = try pressed()
        machine["merge_across_nodes"] = "0"
        machine["pages_shared"] = "9"
        let head = "version=1\nboot_id=11111111-2222-3333-4444-555555555555\n"
        try machine.write("run/ksmd/saved", head + "merge_across_nodes=1 ours\nrun=0 ours\n")
        machine["run"] = "1"
        #expect(try Daemon.restore(options(machine)) == 1)
        #expect(machine["run"] == "0" && machine["merge_across_nodes"] == "0")
        #expect(machine.read("run/ksmd/saved")?.contains("merge_across_nodes=1 ours") == true)
        #expect(machine.read("run/ksmd/saved")?.contains("run=") == false)
        // A start now keeps the old original and takes in the rest anew.
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        _ = tuner.tick()
        #expect(tuner.saved.settings[.merge_across_nodes] == .init(.merge_across_nodes, found: "1", isOurs: true))
        machine["pages_shared"] = "0"
        #expect(try Daemon.restore(options(machine)) == 0)
        #expect(machine["merge_across_nodes"] == "1" && machine["run"] == "0")
    }

    @Test("One ksmd per machine: the second is refused with the pid of the first; a dry run is not")
    func lock() throws {
        let machine = try pressed()
        // The lock is a process': another process has to hold it.
        let lockPath = machine.path + "/run/ksmd/ksmd.lock"
        try machine.write("run/ksmd/ksmd.lock", "")
        let holder = Process()
        holder.executableURL = URL(filePath: "/usr/bin/env")
        holder.arguments = [
            "python3", "-c",
            "import fcntl,sys;f=open(sys.argv[1],'w');fcntl.lockf(f,fcntl.LOCK_EX);print('locked',flush=True);sys.stdin.read()",
            lockPath,
        ]
        let (input, output) = (Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        _ = output.fileHandleForReading.availableData
        defer {
            try? input.fileHandleForWriting.close()
            holder.waitUntilExit()
        }
        let root = try KernelRoot(machine.path)
        #expect(try InstanceLock.holder(root) == holder.processIdentifier)
        let refusal = #expect(throws: Refusal.self) { try Daemon(options(machine)) }
        #expect(refusal?.status == 69)
        #expect(refusal?.description.contains("pid \(holder.processIdentifier)") == true)
        var dry = options(machine)
        dry.dryRun = true
        _ = try Daemon(dry)
    }

    @Test("No KSM in the kernel, and a configuration that cannot be read, are refused by name")
    func refusals() throws {
        let machine = try pressed()
        try FileManager.default.createDirectory(
            at: machine.url("etc/ksmd/ksmd.conf"),
            withIntermediateDirectories: true
        )
        #expect(#expect(throws: Refusal.self) { try Daemon(options(machine)) }?.status == 78)
        try machine.remove("etc/ksmd/ksmd.conf")
        try machine.remove("sys/kernel/mm/ksm")
        let refusal = #expect(throws: Refusal.self) { try Daemon(options(machine)) }
        #expect(refusal?.status == 69)
        #expect(refusal?.description.contains("no KSM") == true)
    }
}
