import Glibc
import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import Testing

@testable import KSMTuner

@Suite("What ends an un-sharing: a full cgroup, a full node, and time")
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

    /// The machine has one node.
    private func node(freeKiB: UInt64) throws { try machine.memory(totalKiB: 16_777_216, freeKiB: freeKiB) }

    /// A floor with this much room in the cgroup as the child begins.
    private func floor(roomKiB: UInt64 = 1 << 20) throws -> MemoryFloor {
        let root = try KernelRoot(machine.path)
        try has(roomKiB: roomKiB)
        let cgroups = CgroupMemory(root)
        let watch = try cgroups.watch([try cgroups.chain(of: 50)])
        let floor = MemoryFloor(Sampler(root, Settings()), reachable: [0], groups: [("web", watch)])
        floor.noteStart()
        return floor
    }

    private func said(_ check: () throws -> Void) throws -> String? {
        do {
            try check()
            return nil
        } catch let stop as UnmergeStop {
            #expect(stop.outcome == .aborted)
            return stop.sentence
        }
    }

    private func said(before: UInt64, now: UInt64) throws -> String? {
        let floor = try floor(roomKiB: before)
        try has(roomKiB: now)
        return try said { try floor.checkGroups() }
    }

    @Test("A cgroup whose room goes into the kernel's copies down to 8 MiB breaks it off, by name")
    func full() throws {
        let text = try said(before: 100 << 10, now: 2 << 10)
        let words = "the memory cgroup of web has 2.0 MiB left under its limit; more copies would get the guest killed"
        #expect(text == words)
        #expect(try said(before: 100 << 10, now: 8 << 10) != nil)
    }

    @Test("More than 8 MiB of room are enough; a cgroup that was full before, or has lost little since, is let be")
    func enough() throws {
        #expect(try said(before: 100 << 10, now: (8 << 10) + 4) == nil)
        #expect(try said(before: 1 << 10, now: 1 << 10) == nil)
        #expect(try said(before: 9 << 10, now: 6 << 10) == nil)
        #expect(try said(before: 1 << 10, now: 100 << 10) == nil)
    }

    @Test("A cgroup with much room is looked at again when the kernel could have filled it")
    func due() throws {
        let floor = try floor(roomKiB: 1 << 20)
        #expect(floor.lookMilliseconds == 1)
        try floor.checkGroups()
        try has(roomKiB: 0)
        #expect(eventually { (try? floor.checkGroups()) == nil })
    }

    @Test("A node that falls under half its reserve breaks it off; one that was there before does not")
    func nodes() throws {
        // 2 % of 16 GiB are 328 MiB.
        let half: UInt64 = 16_777_216 / 100
        let sound = try floor()
        try node(freeKiB: half - 4)
        #expect(eventually { (try? sound.checkNodes()) == nil })
        let text = try #require(try said { try sound.checkNodes() })
        #expect(text == "node 0 has 164 MiB of memory left, far less than the 328 MiB that have to stay free")
        #expect(try said { try sound.checkSpilled(0) } == text)
        #expect(try said { try sound.checkSpilled(1) } == nil)
        let low = try floor()
        #expect(try said { try low.checkNodes() } == nil)
        try node(freeKiB: half)
        let enough = try floor()
        #expect(try said { try enough.checkNodes() } == nil)
    }

    @Test("Pages are moved home only where they leave the reserve")
    func room() throws {
        let reserve: UInt64 = 16_777_216 / 50
        try node(freeKiB: reserve + 1000)
        let floor = try floor()
        #expect(floor.hasRoom(0, kib: 600))
        #expect(!floor.hasRoom(0, kib: 1001))
        #expect(!floor.hasRoom(1, kib: 1))
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
