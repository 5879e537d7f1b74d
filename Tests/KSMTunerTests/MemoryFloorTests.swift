import Glibc
import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import Testing

@testable import KSMTuner

@Suite("What ends an un-sharing: a full cgroup, and time")
struct MemoryFloorTests {
    private let machine: FixtureMachine

    init() throws {
        machine = try FixtureMachine()
        try machine.guest(50, "web")
        try machine.write("proc/50/cgroup", "0::/web.scope\n")
        try machine.write("sys/fs/cgroup/cgroup.controllers", "memory\n")
        try machine.write("sys/fs/cgroup/web.scope/memory.max", "1073741824\n")
    }

    private func has(roomKiB: UInt64) throws {
        try machine.write("sys/fs/cgroup/web.scope/memory.current", "\((1 << 30) - roomKiB << 10)\n")
    }

    /// What is said with this much room now, when there was that much as the child began.
    private func said(before: UInt64, now: UInt64) throws -> String? {
        let root = try KernelRoot(machine.path)
        try has(roomKiB: before)
        let cgroups = CgroupMemory(root)
        let watch = try cgroups.watch([try cgroups.chain(of: 50)])
        let floor = MemoryFloor(Sampler(root, Settings()), reachable: [0], groups: [("web", watch)])
        floor.noteGroups()
        try has(roomKiB: now)
        do {
            try floor.checkGroups()
            return nil
        } catch {
            #expect(error.outcome == .aborted)
            return error.sentence
        }
    }

    @Test("A cgroup whose room goes into the kernel's copies down to 4 MiB breaks it off, by name")
    func full() throws {
        let text = try said(before: 100 << 10, now: 2 << 10)
        let words = "the memory cgroup of web has 2.0 MiB left under its limit; more copies would get the guest killed"
        #expect(text == words)
        #expect(try said(before: 100 << 10, now: (4 << 10) - 4) != nil)
    }

    @Test("4 MiB of room are enough; a cgroup that was full before, or has lost little since, is let be")
    func enough() throws {
        #expect(try said(before: 100 << 10, now: 4 << 10) == nil)
        #expect(try said(before: 1 << 10, now: 1 << 10) == nil)
        #expect(try said(before: 5 << 10, now: 2 << 10) == nil)
        #expect(try said(before: 1 << 10, now: 100 << 10) == nil)
    }

    @Test("Twenty times the plan and five minutes, and never more than a day and five minutes")
    func limit() {
        func seconds(_ milliseconds: UInt64) -> UInt64 {
            let plan = UnmergePlan(pages: 0, needs: [], stallMilliseconds: 0, totalMilliseconds: milliseconds)
            return Unmerger.limitNanoseconds(plan) / 1_000_000_000
        }
        #expect([0, 1000, 3_600_000, .max].map(seconds) == [300, 320, 72_300, 86_700])
    }

    @Test("When time is up it is given up, and not before")
    func deadline() throws {
        let unmerger = Unmerger(try KernelRoot(machine.path), Settings())
        try unmerger.checkGoingOn()
        unmerger.deadline = Clock.monotonicNanoseconds() + 60_000_000_000
        try unmerger.checkGoingOn()
        unmerger.deadline = Clock.monotonicNanoseconds() - 1
        #expect { try unmerger.checkGoingOn() } throws: { error in
            (error as? UnmergeStop)?.outcome == .aborted
        }
    }
}
