import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

@Suite("Guests of a recorded machine")
struct GuestDirectoryTests {
    private func directory(_ machine: FixtureMachine, _ settings: Settings = Settings()) throws -> GuestDirectory {
        GuestDirectory(
            try KernelRoot(machine.path),
            buffer: ReadBuffer(),
            patterns: settings.guestNames,
            readsPss: settings.guestMetric == .pss
        )
    }

    private func refresh(_ guests: GuestDirectory) -> [String] {
        var problems: [String] = []
        guests.refresh(bootSeconds: 1_000_000, problems: &problems)
        return problems
    }

    @Test(
        "Who is a guest, by process name",
        arguments: [
            ("qemu-system-x86", true), ("qemu-system-aar", true), ("qemu-kvm", true), ("qemu:vm1", true),
            ("qemu:averylongg", true), ("kvm", true), ("qemu-img", false), ("qemu-ga", false), ("qemu-nbd", false),
            ("qemu-system-", false), ("qemu:", false), ("xqemu-kvm", false), ("kvm-nx-lpage-re", false),
            ("web01", false),
            ("firecracker", false), ("qemu", false), ("ksmd", false), ("kvm) S 2", false),
        ]
    )
    func patterns(_ comm: String, _ isGuest: Bool) throws {
        let machine = try FixtureMachine()
        try machine.process(100, comm)
        let guests = try directory(machine)
        #expect(refresh(guests) == [])
        #expect(guests.guests.count == (isGuest ? 1 : 0))
    }

    @Test("The names that are guests can be configured")
    func configured() throws {
        let machine = try FixtureMachine()
        try machine.process(100, "cloud-hyperviso")
        try machine.process(101, "qemu-kvm")
        var settings = Settings()
        settings.guestNames = ["cloud-h*", "firecracker"]
        let guests = try directory(machine, settings)
        _ = refresh(guests)
        #expect(guests.guests.map(\.pid) == [100])
    }

    @Test("Name, size and merged pages; in the order of the pids")
    func figures() throws {
        let machine = try FixtureMachine()
        try machine.guest(200, "second", residentPages: 512)
        try machine.process(9, "qemu-kvm", residentPages: 1024, merging: "77\n", ksmStat: "ksm_rmap_items 5\n")
        let guests = try directory(machine)
        #expect(refresh(guests) == [])
        #expect(guests.guests.map(\.name) == ["qemu-kvm", "second"])
        #expect(
            guests.guests.map(\.rssKiB) == [
                1024 * GuestDirectory.pageSize / 1024, 512 * GuestDirectory.pageSize / 1024,
            ]
        )
        #expect(guests.guests.map(\.mergingPages) == [77, 0])
        var problems: [String] = []
        guests.readKSMStats(problems: &problems)
        #expect(problems == [])
        #expect(guests.guests.first?.ksmStat?.rmapItems == 5)
        // Without the file there are no figures, as on 5.4.
        #expect(guests.guests.last?.ksmStat == nil)
    }

    @Test("A kernel thread called like a guest is none; the scanner thread is found with its CPU time")
    func kernelThreads() throws {
        let machine = try FixtureMachine()
        try machine.process(5, "kvm", kernelThread: true)
        try machine.process(37, "ksmd", kernelThread: true)
        try machine.process(400, "ksmd")
        let guests = try directory(machine)
        _ = refresh(guests)
        #expect(guests.guests.isEmpty)
        #expect(guests.scanner == ScannerThread(pid: 37, cpuNanoseconds: 123_456_789))
        try machine.remove("proc/37/schedstat")
        _ = refresh(guests)
        // 12 ticks of 10 ms from stat.
        #expect(guests.scanner?.cpuNanoseconds == 120_000_000)
    }

    @Test(
        "A guest that has gone is gone, also when it vanishes between two of its files",
        arguments: ["proc/100", "proc/100/statm"]
    )
    func vanished(_ what: String) throws {
        let machine = try FixtureMachine()
        try machine.guest(100, "vm1")
        try machine.guest(101, "vm2")
        let guests = try directory(machine)
        _ = refresh(guests)
        #expect(guests.guests.count == 2)
        try machine.remove(what)
        #expect(refresh(guests) == [])
        #expect(guests.guests.map(\.name) == ["vm2"])
        #expect(refresh(guests) == [])
        #expect(guests.guests.map(\.name) == ["vm2"])
    }

    @Test("A zombie is no guest, and stays none")
    func zombie() throws {
        let machine = try FixtureMachine()
        try machine.guest(100, "vm1")
        let guests = try directory(machine)
        _ = refresh(guests)
        try machine.write("proc/100/statm", "0 0 0 0 0 0 0\n")
        for _ in 1...3 {
            _ = refresh(guests)
            #expect(guests.guests.isEmpty)
        }
    }

    @Test("A reused pid is another guest")
    func reused() throws {
        let machine = try FixtureMachine()
        try machine.guest(100, "old")
        let guests = try directory(machine)
        _ = refresh(guests)
        // The new directory exists before the old one goes, so that its inode differs for sure.
        try machine.process(9100, "qemu-kvm", arguments: ["q", "-name", "new"], startTicks: 900)
        try machine.remove("proc/100")
        try FileManager.default.moveItem(at: machine.url("proc/9100"), to: machine.url("proc/100"))
        try machine.write(
            "proc/100/stat",
            try #require(machine.read("proc/100/stat")).replacingOccurrences(of: "9100 (", with: "100 (")
        )
        _ = refresh(guests)
        #expect(guests.guests.map(\.name) == ["new"])
        #expect(guests.guests.map(\.startTicks) == [900])
    }

    @Test(
        "Hostile files of a guest neither trap nor invent a guest",
        arguments: ["", "\n", "1 2 3", ")", "(", "99999999999999999999 99999999999999999999\n", "\u{0}\u{0}\u{0}"]
    )
    func hostile(_ text: String) throws {
        let machine = try FixtureMachine()
        for file in ["stat", "statm", "cmdline", "ksm_merging_pages", "ksm_stat", "schedstat"] {
            try machine.guest(100, "vm1")
            try machine.process(37, "ksmd", kernelThread: true)
            try machine.write("proc/100/\(file)", text)
            try machine.write("proc/37/\(file)", text)
            let guests = try directory(machine)
            _ = refresh(guests)
            #expect(guests.guests.count <= 1, "\(file)")
        }
        // Names in /proc that are no pids.
        try machine.write("proc/99999999999999999999/stat", "x")
        try machine.write("proc/12a/stat", "x")
        let guests = try directory(machine)
        _ = refresh(guests)
        #expect(guests.guests.count <= 1)
    }

    @Test("PSS is read only where the configuration asks for it")
    func pss() throws {
        let machine = try FixtureMachine()
        try machine.guest(100, "vm1")
        try machine.write("proc/100/smaps_rollup", "55-ff ---p 0 [rollup]\nRss: 900 kB\nPss: 123 kB\n")
        let guests = try directory(machine)
        _ = refresh(guests)
        #expect(guests.guests.first?.pssKiB == nil)
        guests.readsPss = true
        _ = refresh(guests)
        #expect(guests.guests.first?.pssKiB == 123)
    }
}
