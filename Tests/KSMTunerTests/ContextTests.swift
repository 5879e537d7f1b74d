import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import Testing

@testable import KSMTuner

@Suite("What every journal entry carries")
struct ContextTests {
    private func pressed() throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.memory(totalKiB: 16_777_216, freeKiB: 1_048_576)
        try machine.guest(100, "vm1", residentPages: 3_932_160)
        return machine
    }

    private func value(_ name: JournalField, of entry: JournalEntry) -> String? {
        entry.fields.first { $0.name == name.rawValue }?.value
    }

    @Test("State before and after, cause, savings and guests; states link from one entry to the next")
    func fields() throws {
        let machine = try pressed()
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        let first = try #require(tuner.complete(tuner.tick(.start).entries).first)
        #expect(first.id == .scanningStarted)
        #expect(value(.state, of: first) == "scanning" && value(.trigger, of: first) == "start")
        #expect(value(.guests, of: first) == "1" && value(.savedBytes, of: first) != nil)
        try machine.guest(101, "vm2", residentPages: 10)
        let second = try #require(tuner.complete(tuner.tick(.guest).entries).first)
        #expect(value(.stateBefore, of: second) == "scanning" && value(.trigger, of: second) == "guest")
        #expect(second.fields.contains(Reason.Field(.guest, "vm2")))
        #expect(second.message.hasSuffix("; guest vm2 came"))
        // All guests go and memory is free: it stops.
        try machine.memory(totalKiB: 16_777_216, freeKiB: 16_000_000)
        try machine.remove("proc/100")
        try machine.remove("proc/101")
        let third = try #require(tuner.complete(tuner.tick().entries).first { $0.id == .scanningStopped })
        #expect(value(.stateBefore, of: third) == "scanning" && value(.state, of: third) == "stopped")
        #expect(third.message.contains("; it scanned for ") && third.message.hasSuffix("2 guests went"))
    }

    @Test("What is about no tick does not carry the last one's cause")
    func noCause() throws {
        let machine = try pressed()
        let tuner = try Tuner(try KernelRoot(machine.path), Settings())
        _ = tuner.tick(.start)
        try machine.guest(101, "vm2", residentPages: 10)
        _ = tuner.tick(.guest)
        let told = tuner.complete([JournalEntry(.notice, .eventSource, "lost"), JournalEntry(.notice, .held, "held")])
        #expect(value(.trigger, of: told[0]) == nil && value(.guest, of: told[0]) == nil)
        #expect(value(.state, of: told[0]) == "scanning")
        #expect(value(.trigger, of: told[1]) == "guest" && value(.guest, of: told[1]) == "vm2")
    }

    @Test("Memory of each node is in fields of its own")
    func nodes() {
        var sample = Sample(monotonicNanoseconds: 1, pageSize: 4096)
        sample.nodes = [
            NodeMemory(node: 0, totalKiB: 100, freeKiB: 40), NodeMemory(node: 3, totalKiB: 200, freeKiB: 50),
        ]
        let names = ChangeContext.figures(sample, ScannerAccount()).map(\.name)
        #expect(names.contains("NODE0_TOTAL_KIB") && names.contains("NODE3_FREE_KIB"))
    }

    @Test("The names of fields are as they were when they were declared stable")
    func stable() {
        let declared = ContextTests.names.split(separator: " ").map(String.init)
        #expect(Set(JournalField.allCases.map(\.rawValue)) == Set(declared))
        #expect(Reason.Field.set(.pages_to_scan, "1").name == "SET_PAGES_TO_SCAN")
        #expect(Reason.Field.was(.run, "1").name == "WAS_RUN")
        #expect(Reason.Field.node(1, .availableKiB, 2).name == "NODE1_AVAILABLE_KIB")
    }

    /// Adding one is free; one that changes or goes breaks scripts.
    private static let names = """
        TRIGGER STATE STATE_BEFORE STATE_SECONDS SAVED_BYTES NET_SAVED_BYTES SCANNER_CPU_USEC SCANNER_CPU_PERMILLE \
        GUESTS GUEST REASON POLICY BY WHY UNTIL KIND SOURCE VERSION ATTRIBUTE VALUE VALUE_BEFORE PAGES_TO_SCAN \
        TOTAL_KIB FREE_KIB AVAILABLE_KIB COMMITTED_KIB THRESHOLD_KIB NODE NODE_TOTAL_KIB NODE_AVAILABLE_KIB \
        NODE_THRESHOLD_KIB SCOPE WANTED_SCOPE WAIT_SECONDS PROMISED_KIB SHORT_KIB BREAKS_PER_SECOND REMOTE_PERCENT \
        REMOTE_ERROR_PERCENT MERGED_KIB LOST_KIB COLLAPSED STABLE_NODE_DUPS RECLAIMABLE_KIB KERNEL NUMA_BALANCING \
        NUMAD_PID OUTCOME NEEDED_KIB PAGES MOVED ASTRAY SECONDS MILLISECONDS SCANNING_SECONDS SAVED_BYTES_BEFORE CHANGES
        """

    // MARK: The summary

    private func sample(_ seconds: UInt64, sharing: UInt64, run: UInt64, cpuSeconds: UInt64) -> Sample {
        var sample = Sample(monotonicNanoseconds: seconds * 1_000_000_000, pageSize: 4096)
        sample.ksm[.pages_sharing] = .unsigned(sharing)
        sample.ksm[.run] = .unsigned(run)
        sample.scanner = ScannerThread(pid: 2, cpuNanoseconds: cpuSeconds * 1_000_000_000)
        return sample
    }

    @Test("The hour's entry says what was saved, for how long it scanned and what that cost")
    func summary() throws {
        var summary = Summary()
        var account = ScannerAccount()
        let seen: [(UInt64, UInt64, UInt64)] = [(0, 0, 1), (1800, 131_072, 0), (3600, 262_144, 0)]
        for (second, sharing, run) in seen {
            let sample = sample(second, sharing: sharing, run: run, cpuSeconds: second / 100)
            account.take(sample)
            summary.take(sample, account)
        }
        let last = sample(3600, sharing: 262_144, run: 0, cpuSeconds: 36)
        let concluded = summary.conclude(last, account)
        let entry = try #require(concluded)
        #expect(entry.id == .summary)
        #expect(
            entry.message
                == "In the last 1 h: 1.0 GiB saved (1.0 GiB more), scanned for 30 min, scanner CPU time 36.0 s "
                + "(1.0 % of one core), 0 changes, 0 guests"
        )
        #expect(value(.scanningSeconds, of: entry) == "1800")
    }

    @Test("A quiet host gets none")
    func quiet() {
        var summary = Summary()
        let sample = sample(0, sharing: 0, run: 0, cpuSeconds: 5)
        var account = ScannerAccount()
        account.take(sample)
        summary.take(sample, account)
        let concluded = summary.conclude(sample, account)
        #expect(concluded == nil)
    }
}
