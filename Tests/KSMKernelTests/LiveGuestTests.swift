import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

@Suite("Guests of this machine (processes named like QEMU)", .serialized)
struct LiveGuestTests {
    private func directory() throws -> GuestDirectory {
        GuestDirectory(try KernelRoot(), buffer: ReadBuffer(), patterns: Settings().guestNames, readsPss: false)
    }

    private func names(_ guests: GuestDirectory) -> [String] {
        var problems: [String] = []
        guests.refresh(bootSeconds: Clock.bootSeconds(), problems: &problems)
        return guests.guests.map(\.name)
    }

    @Test("A guest is listed with its name and size, and is gone when it ends")
    func comesAndGoes() throws {
        let name = "live-\(UUID().uuidString.prefix(8))"
        let guests = try directory()
        #expect(!names(guests).contains(name))
        let standIn = try StandIn(name)
        #expect(eventually { names(guests).contains(name) })
        let guest = try #require(guests.guests.first { $0.name == name })
        #expect(guest.pid == standIn.process.processIdentifier)
        #expect(guest.rssKiB > 0)
        standIn.end()
        #expect(eventually { !names(guests).contains(name) })
    }

    @Test("A process that becomes QEMU after it was seen is seen as QEMU")
    func execsLater() throws {
        let name = "late-\(UUID().uuidString.prefix(8))"
        let guests = try directory()
        let standIn = try StandIn(name, waits: true)
        // It has been looked at as a shell.
        #expect(!names(guests).contains(name))
        #expect(!names(guests).contains(name))
        try standIn.go()
        #expect(eventually { names(guests).contains(name) })
        standIn.end()
    }

    @Test(
        "A pid that is used again is not mistaken for its predecessor",
        .enabled("needs a writable /proc/sys/kernel/ns_last_pid") { access("/proc/sys/kernel/ns_last_pid", W_OK) == 0 }
    )
    func reusedPid() throws {
        let guests = try directory()
        // Another process of the machine may take the number and keep it: then with the next one.
        for _ in 0..<10 {
            let first = try StandIn("first")
            #expect(eventually { names(guests).contains("first") })
            let pid = first.process.processIdentifier
            let start = try #require(guests.guests.first { $0.pid == pid }).startTicks
            first.end()
            guard let second = try standIn("second", withPid: pid) else { continue }
            #expect(eventually { names(guests).contains("second") })
            let guest = try #require(guests.guests.first { $0.pid == pid })
            #expect(guest.name == "second")
            // Both may have started in the same tick of 10 ms.
            #expect(guest.startTicks >= start)
            #expect(!names(guests).contains("first"))
            second.end()
            return
        }
        Issue.record("no stand-in got the number of its predecessor")
    }

    private func standIn(_ name: String, withPid pid: Int32) throws -> StandIn? {
        for _ in 0..<50 {
            try "\(pid - 1)".write(toFile: "/proc/sys/kernel/ns_last_pid", atomically: false, encoding: .utf8)
            let next = try StandIn(name)
            if next.process.processIdentifier == pid { return next }
            next.end()
        }
        return nil
    }

    @Test(
        "The scanner thread of this kernel is found",
        .enabled("needs KSM") { access("/sys/kernel/mm/ksm/run", F_OK) == 0 }
    )
    func scanner() throws {
        let guests = try directory()
        _ = names(guests)
        let scanner = try #require(guests.scanner)
        let stat = try String(contentsOfFile: "/proc/\(scanner.pid)/comm", encoding: .utf8)
        #expect(stat == "ksmd\n")
    }

    @Test("The sample of this machine agrees with its files")
    func sample() throws {
        let sampler = Sampler(try KernelRoot(), Settings())
        let sample = sampler.sample(withKSMStats: true)
        #expect(sample.memory.memTotalKiB != nil && sample.memory.classicFreeKiB != nil)
        #expect(!sample.nodes.isEmpty)
        let text = try String(
            contentsOfFile: "/sys/devices/system/node/node\(sample.nodes[0].node)/meminfo",
            encoding: .utf8
        )
        // Ballooning may change it between the two reads; the order of magnitude stays.
        let total = try #require(
            text.split(separator: "\n").first?.split(separator: " ").dropLast().last.flatMap { UInt64($0) }
        )
        #expect(total / 2 < sample.nodes[0].totalKiB && sample.nodes[0].totalKiB / 2 < total)
        #expect(sample.pageSize == UInt64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
