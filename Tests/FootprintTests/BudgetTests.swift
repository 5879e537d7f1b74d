import Foundation
import Glibc
import Testing

/// What the daemon may cost while it runs.
///
/// The tests wait side by side for most of their time.
@Suite("Footprint: the running daemon", .enabled(if: Rig.hasNamespaces, Rig.noNamespaces))
struct BudgetTests {
    /// What was measured of one daemon with 100 guests, after 20 s in which nothing changed.
    struct Figures {
        var threads, residentKiB, anonymousKiB, openFiles: Int
        var wakeupsPerSecond: Double
    }

    /// Measured once for all tests that look at it.
    static let hundredGuests = Task {
        let machine = try OwnMachine(guests: 100, configuration: "[Tuner]\nInterval=5s\n")
        _ = try await machine.tick()
        let (begin, before) = (ContinuousClock.now, try machine.wakeups)
        try await Task.sleep(for: .seconds(20))
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let figures = try Figures(
            threads: machine.threads,
            residentKiB: machine.residentKiB,
            anonymousKiB: machine.anonymousKiB,
            openFiles: machine.openFiles,
            wakeupsPerSecond: Double(machine.wakeups - before) / seconds
        )
        print("footprint: 100 guests: \(figures)")
        return figures
    }

    @Test("One thread")
    func threads() async throws {
        #expect(try await Self.hundredGuests.value.threads == 1)
    }

    @Test("At most 8 MiB resident with 100 guests")
    func resident() async throws {
        #expect(try await Self.hundredGuests.value.residentKiB <= 8 << 10)
    }

    @Test("At most 1 MiB of private anonymous memory with 100 guests")
    func anonymous() async throws {
        #expect(try await Self.hundredGuests.value.anonymousKiB <= 1 << 10)
    }

    @Test("At most 40 open files and 4 per guest")
    func openFiles() async throws {
        #expect(try await Self.hundredGuests.value.openFiles <= 40 + 4 * 100)
    }

    @Test("At most one wakeup a second with 100 guests when nothing changes")
    func wakeups() async throws {
        #expect(try await Self.hundredGuests.value.wakeupsPerSecond <= 1)
    }

    @Test("At most 6 wakeups a minute when KSM is off and there is no guest")
    func idle() async throws {
        // The shipped configuration, in which a tick is one wakeup a minute. Waiting for a lock inside a tick counts here
        // too, so an interval at which the budget is used up by the ticks alone would measure the load of the machine.
        let machine = try OwnMachine(configuration: "")
        _ = try await machine.tick()
        // From the pause after one tick on.
        try await Task.sleep(for: .seconds(1))
        let (begin, before) = (ContinuousClock.now, try machine.wakeups)
        try await Task.sleep(for: .seconds(30))
        let minutes = (ContinuousClock.now - begin) / .seconds(60)
        print("footprint: idle: \(try machine.wakeups - before) wakeups in \(minutes * 60) s")
        #expect(Double(try machine.wakeups - before) <= 6 * minutes)
    }

    @Test("It still holds 8 MiB and 1 MiB after a reload")
    func reloaded() async throws {
        let machine = try OwnMachine(guests: 100, configuration: "[Tuner]\nInterval=1s\n")
        let tick = try await machine.tick()
        machine.notify.drain()
        kill(machine.pid, SIGHUP)
        _ = try await poll("READY after the reload") { try machine.notify.next { $0.contains("READY=1") } }
        _ = try await machine.tick(after: tick + 3)
        #expect(try machine.residentKiB <= 8 << 10)
        #expect(try machine.anonymousKiB <= 1 << 10)
    }

    private static let hardLimit: UInt64 = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_max)
    }()

    @Test(
        "2,000 guests work under a soft limit of 1,024 open files",
        .enabled(if: hardLimit >= 40 + 4 * 2000, "the hard limit of open files is below 8,040 here")
    )
    func manyGuests() async throws {
        let machine = try OwnMachine(guests: 2000, configuration: "[Tuner]\nInterval=1s\n", softLimit: 1024)
        let first = try await machine.tick()
        // Over a second round of the guests' ksm_stat, which come every 10 s.
        _ = try await machine.tick(after: first + 11)
        let state = try #require(machine.state)
        #expect(Set(state.guests.map(\.name)).count == 2000)
        #expect(state.warnings == [])
        #expect(try machine.openFiles <= 40 + 4 * 2000)
        #expect(try machine.threads == 1)
        #expect(try machine.stop() == 0)
    }

    @Test("After the first, a tick does not allocate more often for 400 guests than for 100")
    func allocations() async throws {
        async let few = allocationsPerTick(guests: 100)
        async let many = allocationsPerTick(guests: 400)
        let (fewest, most) = (try await few, try await many)
        print("footprint: allocations per tick: 100 guests \(fewest), 400 guests \(most)")
        // A tick allocates about 50 times; an allocation per guest would be 300 more.
        #expect(try median(most) <= median(fewest) + 10)
        // The tick that asks for ksm_stat is among them. On a busy machine the first may still find guests that were started
        // late.
        #expect(try #require(most.dropFirst().max()) <= #require(fewest.dropFirst().max()) + 10)
    }

    /// Calls of malloc and its kin, tick by tick, over 12 ticks.
    private func allocationsPerTick(guests: Int) async throws -> [Int] {
        let file = FileManager.default.temporaryDirectory.appending(path: "ksmd-allocations-\(UUID().uuidString)")
        try Data(count: 16).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        func calls() throws -> Int {
            try Data(contentsOf: file).withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
        }
        let machine = try OwnMachine(
            guests: guests,
            configuration: "[Tuner]\nInterval=1s\n",
            environment: ["LD_PRELOAD": Rig.allocationCounter.get(), "COUNT_ALLOCATIONS": file.path]
        )
        // The guests are young: until they are 30 s old, each is looked at anew at every tick.
        var tick = try await machine.tick(after: 1)
        var result: [Int] = []
        var before: (tick: Int, calls: Int)?
        while result.count < 12 {
            // In the pause between two ticks.
            try await Task.sleep(for: .milliseconds(500))
            let now = try calls()
            let isPause = machine.state?.tick == tick
            if let before, isPause, before.tick + 1 == tick { result.append(now - before.calls) }
            before = isPause ? (tick, now) : nil
            tick = try await machine.tick(after: tick)
        }
        // Otherwise nothing was counted at all.
        #expect(result.allSatisfy { $0 > 10 })
        return result
    }
}
