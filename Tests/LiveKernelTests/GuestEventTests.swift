import Foundation
import Glibc
import KSMModel
import KSMSystemd
import KSMTestSupport
import Testing

/// From what happens to a guest to its line in ksmd's list, with the built daemon on the real KSM.
@Suite(
    "LiveKernel: guests come and go",
    .serialized,
    .enabled("needs root and a KSM that can be set") { geteuid() == 0 && LiveKernel.isAvailable }
)
struct GuestEventTests {
    /// A guest is listed, or gone from the list, within a second of what a source tells (control law).
    private static let bound = 1.0

    /// The cgroup in which guests appear; not `machine.slice`, in which the machine's own may.
    private static let slice = "ksmd-test-\(getpid()).slice"

    /// Runs `body` with the daemon watching a cgroup of this test, which other tests leave alone.
    private func withSlice(_ body: (_ directory: String) throws -> Void) throws {
        let directory = try #require(ScratchCgroup.unified) + "/" + GuestEventTests.slice
        try #require(mkdir(directory, 0o755) == 0)
        defer { _ = eventually { rmdir(directory) == 0 || errno == ENOENT } }
        try body(directory)
    }

    // MARK: Each source alone

    @Test(
        "KVM's message alone: a guest is listed within a second",
        .enabled(if: KVM.makesMachines, "KVM makes no machines here")
    )
    func kvm() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try WatchedDaemon(kernel, sources: "kvm", expecting: ["kvm"])
        let (guest, machine) = (try StandIn("kvm"), try KVM())
        defer { machine.end() }
        let time = try daemon.time({ machine.make() }, until: { daemon.lists(guest.pid) })
        #expect(try #require(time) < GuestEventTests.bound)
        report("kvm: listed", time ?? 0)
    }

    @Test(
        "A new cgroup alone: a guest is listed within a second",
        .enabled(if: ScratchCgroup.unified != nil, "cgroups of version 2 cannot be made")
    )
    func cgroup() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        try withSlice { slice in
            let text = "Cgroups=\(GuestEventTests.slice)\n"
            let daemon = try WatchedDaemon(kernel, sources: "cgroup", expecting: ["cgroup"], text)
            let (guest, scope) = (try StandIn("cgroup"), slice + "/machine-qemu\\x2d1\\x2dweb.scope")
            defer { rmdir(scope) }
            let time = try daemon.time({ mkdir(scope, 0o755) }, until: { daemon.lists(guest.pid) })
            #expect(try #require(time) < GuestEventTests.bound)
            report("cgroup: listed", time ?? 0)
        }
    }

    @Test(
        "systemd-machined's signal alone: a guest is listed within a second",
        .enabled(if: BusDaemon.canRun, "needs dbus-daemon")
    )
    func machined() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let bus = try BusDaemon()
        let machined = try Machined(bus)
        let daemon = try WatchedDaemon(kernel, sources: "machined", expecting: ["machined"], bus: bus.address)
        // Its answer comes behind its wish to hear the signals.
        try #require(eventually { KSMDOnBus(bus)?.version != nil })
        let guest = try StandIn("machined")
        let time = try daemon.time({ try machined.tellNew("web") }, until: { daemon.lists(guest.pid) })
        #expect(try #require(time) < GuestEventTests.bound)
        report("machined: listed", time ?? 0)
    }

    /// With a second source that says nothing ksmd looks by itself only every ten seconds, so that `exit` is what tells.
    @Test(
        "The end of its process alone: a guest is gone from the list within a second",
        arguments: ["exit", "exit cgroup"]
    )
    func exit(_ sources: String) throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let guest = try StandIn("exit")
        let text = "Cgroups=\(GuestEventTests.slice)\n"
        let daemon = try WatchedDaemon(kernel, sources: sources, expecting: ["exit"], text)
        try #require(eventually { daemon.lists(guest.pid) })
        let time = try daemon.time({ guest.end() }, until: { !daemon.lists(guest.pid) })
        #expect(try #require(time) < GuestEventTests.bound)
        report("\(sources): gone", time ?? 0)
    }

    // MARK: No source

    @Test("Without sources and guests, a guest is listed within ten seconds, at worst")
    func idle() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try WatchedDaemon(kernel, sources: "none")
        // The first tick was a look, so this comes just after one.
        let guest = try StandIn("idle")
        let time = try daemon.time({}, until: { daemon.lists(guest.pid) })
        #expect(try #require(time) < 10)
        report("polling, idle: listed", time ?? 0)
    }

    @Test("Without sources, with a guest there, another is listed within a second, at worst")
    func busy() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let first = try StandIn("first")
        let daemon = try WatchedDaemon(kernel, sources: "none")
        try #require(eventually { daemon.lists(first.pid) })
        let tick = daemon.tick
        daemon.program.send(SIGUSR1)
        // A tick is a look, so the guest comes just after one.
        try #require(eventually { daemon.tick > tick })
        let guest = try StandIn("second")
        let time = try daemon.time({}, until: { daemon.lists(guest.pid) })
        #expect(try #require(time) < GuestEventTests.bound)
        report("polling, busy: listed", time ?? 0)
    }

    // MARK: Retuned when a guest comes or goes

    @Test("KSM is retuned when a guest comes and when it goes", arguments: Teller.here)
    func retuned(_ teller: Teller) throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        // A source that tells of guests and says nothing keeps ksmd from looking every second by itself.
        let quiet = ScratchCgroup.unified == nil ? "none" : "cgroup"
        let daemon = try WatchedDaemon(
            kernel,
            sources: teller == .uevent ? "kvm" : quiet,
            "Cgroups=\(GuestEventTests.slice)\n"
        )
        let cause = try Cause(teller)
        let guest = try StandIn("retuned")
        for isThere in [true, false] {
            if !isThere { guest.end() }
            let tick = daemon.tick
            let time = try daemon.time(
                { try cause.tell(daemon, isThere) },
                until: { daemon.lists(guest.pid) == isThere }
            )
            #expect(try #require(time) < GuestEventTests.bound)
            // Two adjustments have two seconds between them.
            #expect(eventually(3) { daemon.tick > tick })
            report("\(teller.rawValue): \(isThere ? "listed" : "gone")", time ?? 0)
        }
    }

    // MARK: Bursts

    @Test(
        "Twenty guests and fifty events in a second are two ticks at most",
        .enabled(if: ScratchCgroup.unified != nil, "cgroups of version 2 cannot be made")
    )
    func burst() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        try withSlice { slice in
            let text = "Cgroups=\(GuestEventTests.slice)\n"
            let daemon = try WatchedDaemon(kernel, sources: "cgroup exit", expecting: ["cgroup"], text)
            let (tick, start) = (daemon.tick, now())
            var guests: [StandIn] = []
            for number in 0..<50 {
                if number < 20 { guests.append(try StandIn("burst\(number)")) }
                mkdir("\(slice)/\(number)", 0o755)
            }
            let took = now() - start
            defer { for number in 0..<50 { rmdir("\(slice)/\(number)") } }
            let time = try daemon.time({}, until: { guests.allSatisfy { daemon.lists($0.pid) } })
            #expect(try #require(time) < GuestEventTests.bound)
            #expect(eventually(3) { daemon.tick > tick })
            // No third one comes later.
            #expect(!eventually(4) { daemon.tick > tick + 2 })
            report("burst of \(took) s: all listed, \(daemon.tick - tick) ticks", time ?? 0)
        }
    }

    // MARK: Pressure

    @Test(
        "Memory gets short: ksmd decides within the window, and scans harder",
        .enabled(if: Squeeze.isPossible, "needs root, memory cgroups and /proc/pressure/memory")
    )
    func pressure() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let guest = try StandIn("pressure")
        let text = "[Scanner]\nThresholdPercent=100%\nBoostPages=100\nMinimumPages=200\nMaximumPages=10000\n"
        let daemon = try WatchedDaemon(kernel, sources: "pressure", expecting: ["pressure"], text)
        try #require(eventually { daemon.lists(guest.pid) })
        let (tick, batch) = (daemon.tick, try LiveKernel.read(.pages_to_scan))
        let before = try Squeeze.stalled()
        let squeeze = try Squeeze()
        defer { squeeze.end() }
        var onset: Double?
        let isHeard = try eventually(30) {
            if onset == nil, try Squeeze.stalled() > before + 1000 { onset = now() }
            return daemon.tick > tick
        }
        let time = now() - (try #require(onset))
        #expect(isHeard)
        // control law: with CAP_SYS_RESOURCE the kernel grants windows of half a second, else of two.
        #expect(time < (Squeeze.mayHaveShortWindows ? 0.6 : 2.5))
        #expect(try LiveKernel.read(.pages_to_scan) != batch)
        report("pressure: decided", time)
    }
}
