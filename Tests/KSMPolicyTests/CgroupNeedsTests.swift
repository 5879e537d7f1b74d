import KSMModel
import KSMPolicy
import Testing

/// Limits of memory cgroups.
extension UnmergePlannerTests {
    private func limit(_ path: String, maxMiB: UInt64?, currentMiB: UInt64, highMiB: UInt64? = nil) -> CgroupLimit {
        CgroupLimit(
            path: path,
            currentBytes: currentMiB << 20,
            maxBytes: maxMiB.map { $0 << 20 },
            highBytes: highMiB.map { $0 << 20 }
        )
    }

    @Test("Each limit, also those above, holds the copies of all guests inside")
    func cgroups() throws {
        var sample = machine()
        sample.guests[0].mergingPages = 10_000
        let slice = limit("/machine.slice", maxMiB: 9000, currentMiB: 6000)
        let chains = [
            (
                sample.guests[0],
                CgroupChain(
                    path: "/machine.slice/a",
                    limits: [limit("/machine.slice/a", maxMiB: 4000, currentMiB: 3000), slice]
                )
            ),
            (sample.guests[1], CgroupChain(path: "/machine.slice/b", limits: [slice])),
        ]
        let found = plan(sample, cgroups: chains)
        let own = try need(found, .cgroup(path: "/machine.slice/a", guest: "vm1"))
        #expect(own.neededKiB == 40_000 && own.presentKiB == 1000 * MiB && own.reserveKiB == 40 * MiB)
        let both = try need(found, .cgroup(path: "/machine.slice", guest: "vm2"))
        #expect(both.neededKiB == 40_000 + GiB && both.presentKiB == 3000 * MiB && both.reserveKiB == 90 * MiB)
        #expect(found.unmet.isEmpty)
        #expect(found.needs.count == 5)
    }

    @Test("A cgroup at its limit is not met; one without a limit, or without copies, is no need")
    func full() {
        var sample = machine()
        let full = limit("/full", maxMiB: 4000, currentMiB: 5000)
        let chain = CgroupChain(path: "/full", limits: [full, full, limit("/", maxMiB: nil, currentMiB: 1)])
        let found = plan(sample, cgroups: [(sample.guests[0], chain)])
        #expect(found.unmet.map(\.place) == [.cgroup(path: "/full", guest: "vm1")])
        // Twice in the chain it counts once.
        #expect(found.unmet.first?.neededKiB == GiB)
        #expect(found.unmet.first?.presentKiB == 0)
        #expect(found.needs.count == 4)
        sample.guests[0].mergingPages = 0
        #expect(plan(sample, cgroups: [(sample.guests[0], chain)]).needs.count == 3)
    }

    @Test("Zero pages count; a guest whose merged pages nobody counts has what was sampled, else all of its memory")
    func uncounted() {
        var sample = machine()
        let chain = CgroupChain(path: "/a", limits: [limit("/a", maxMiB: 4000, currentMiB: 0)])
        func needed() -> UInt64? { plan(sample, cgroups: [(sample.guests[0], chain)]).needs.last?.neededKiB }
        sample.guests[0].ksmStat = KSMStat()
        sample.guests[0].ksmStat?.zeroPages = 100
        #expect(needed() == GiB + 400)
        sample.guests[0].ksmStat?.zeroPages = -5
        sample.guests[0].mergingPages = nil
        #expect(needed() == 300 * 800 * 4)
        sample.survey?.signal = nil
        #expect(needed() == 2 * GiB)
        sample.guests[0].rssKiB = GiB
        #expect(needed() == GiB)
        #expect(
            plan(sample, cgroups: [(sample.guests[0], chain)]).remarks.contains {
                $0.contains("vm1 is merged is not known")
            }
        )
    }

    @Test("Where the kernel itself copies more than 4 MiB, 8 MiB stay free: zero pages, and on old kernels all")
    func kernelCopies() {
        var sample = machine()
        let chain = CgroupChain(path: "/a", limits: [limit("/a", maxMiB: 400, currentMiB: 0)])
        func reserve(_ canPlacePages: Bool = true) -> UInt64? {
            plan(sample, cgroups: [(sample.guests[0], chain)], canPlacePages: canPlacePages).needs.last?.reserveKiB
        }
        #expect(reserve() == 4 * MiB && reserve(false) == 8 * MiB)
        let process: Set<Int32> = [sample.guests[0].pid]
        let one = plan(sample, cgroups: [(sample.guests[0], chain)], kernelCopies: process)
        #expect(one.needs.last?.reserveKiB == 8 * MiB && one.stallMilliseconds > plan(sample).stallMilliseconds)
        sample.guests[0].ksmStat = KSMStat()
        sample.guests[0].ksmStat?.zeroPages = 1023
        #expect(reserve() == 4 * MiB)
        sample.guests[0].ksmStat?.zeroPages = 1024
        #expect(reserve() == 8 * MiB)
    }

    @Test("What could not be read of limits, and a memory.high that will be passed, are remarked")
    func remarks() {
        let sample = machine()
        let high = limit("/a", maxMiB: 8000, currentMiB: 1000, highMiB: 1500)
        let chain = CgroupChain(path: "/a", limits: [high], problem: "Failed to read x: EACCES")
        let remarks = plan(sample, cgroups: [(sample.guests[0], chain)]).remarks
        #expect(remarks[0] == "limits of guest vm1 may be missing: Failed to read x: EACCES")
        #expect(remarks[1].hasPrefix("cgroup /a may reach 2.0 GiB, over its memory.high of 1.5 GiB"))
        let enough = limit("/a", maxMiB: nil, currentMiB: 1000, highMiB: 2100)
        let quiet = plan(sample, cgroups: [(sample.guests[0], CgroupChain(path: "/a", limits: [enough]))])
        #expect(quiet.remarks.isEmpty && quiet.needs.count == 3)
    }
}
