import Foundation
import Glibc
import KSMModel
import KSMTestSupport
import Testing

/// Memory of this process that the scanner has to look at, page by page, for nothing.
private final class UniqueMemory {
    private let start: UnsafeMutableRawPointer
    private let length: Int

    init(mebibytes: Int) throws {
        length = mebibytes << 20
        guard let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw POSIXError(.ENOMEM) }
        start = memory
        madvise(start, length, 15)  // MADV_NOHUGEPAGE
        // The difference is at the end of the page: each comparison goes over all of it.
        for page in 0..<length / 4096 { start.storeBytes(of: page + 1, toByteOffset: page * 4096 + 4088, as: Int.self) }
        madvise(start, length, 12)  // MADV_MERGEABLE
    }

    deinit {
        munmap(start, length)
    }
}

/// Somebody else who writes 1 to `run` over and over, and waits in the kernel for the scanner each time.
private final class OtherWriter: @unchecked Sendable {
    private let lock = NSLock()
    private var isEnding = false
    private var hasEnded = false
    private var number = 0
    private var began = ContinuousClock.now

    init(_ kernel: LiveKernel) {
        let descriptor = open("/sys/kernel/mm/ksm/run", O_WRONLY | O_CLOEXEC)
        let thread = Thread { [self] in
            while !lock.withLock({ isEnding }) {
                lock.withLock {
                    number += 1
                    began = .now
                }
                write(descriptor, "1", 1)
            }
            close(descriptor)
            lock.withLock { hasEnded = true }
        }
        thread.start()
    }

    /// The number of the write that waits in the kernel, once it has waited for 50 ms.
    var waiting: Int? { lock.withLock { ContinuousClock.now - began > .milliseconds(50) ? number : nil } }

    func end() throws {
        lock.withLock { isEnding = true }
        _ = try pollHere("end of the other writer") { lock.withLock { hasEnded } ? true : nil }
    }
}

private func availableMebibytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) >> 10
}

@Suite(
    "LiveKernel: a kernel that another writer keeps busy",
    .serialized,
    .enabled("needs a release build, root, and a KSM that can be set") { Rig.hasNamespaces && LiveKernel.isAvailable },
    .enabled("needs 4 GiB of available memory") { availableMebibytes() > 4096 }
)
struct BlockedKernelTests {
    private static let configuration = "[Tuner]\nInterval=1s\nForeignWrites=retake\n"

    /// Milliseconds from a signal to a message; `nil` when the kernel was not busy all the time.
    private func answer(_ machine: OwnMachine, _ writer: OtherWriter, _ signal: Int32, _ wanted: String) throws
        -> Double?
    {
        let write = try pollHere("write that waits") { writer.waiting }
        machine.notify.drain()
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let sent = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
        kill(machine.pid, signal)
        let message = try pollHere(wanted) { try machine.notify.next { $0.contains(wanted) } }
        guard writer.waiting == write else { return nil }
        return Double(message.nanoseconds &- sent) / 1e6
    }

    // Synchronous throughout: whoever holds the lock of the real KSM must not wait for a thread of the test runner.
    @Test("While a write to run waits in the kernel, signals, notify and status are answered within 100 ms")
    func answers() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let memory = try UniqueMemory(mebibytes: 2048)
        defer { withExtendedLifetime(memory) {} }
        kernel.set(.advisor_mode, "none")
        kernel.set(.smart_scan, "0")
        // One batch is all memory; see ksm_do_scan of mm/ksm.c.
        kernel.set(.pages_to_scan, "4294967295")
        kernel.set(.sleep_millisecs, "1")
        let found = try kernel.settings()
        let writer = OtherWriter(kernel)
        defer { try? writer.end() }

        let machine = try OwnMachine(configuration: Self.configuration, realKSM: true)
        // A reload is answered at once, finished at once, and followed by a tick with its status.
        for wanted in ["RELOADING=1", "READY=1", "STATUS="] {
            var answers: [Double] = []
            for _ in 0..<30 where answers.count < 3 {
                if let time = try answer(machine, writer, SIGHUP, wanted) { answers.append(time) }
            }
            try #require(answers.count == 3, "the kernel was not busy for long enough")
            print("footprint: kernel busy, \(wanted) after \(answers) ms")
            #expect(try #require(answers.max()) <= 100, "\(wanted) after \(answers) ms")
        }
        var retuned: Double?
        for _ in 0..<30 where retuned == nil { retuned = try answer(machine, writer, SIGUSR1, "STATUS=") }
        #expect(try #require(retuned) <= 100)
        let before = try #require(machine.state).tick
        #expect(
            try pollHere("tick in spite of all", seconds: 3) { machine.state.flatMap { $0.tick > before ? true : nil } }
        )

        // Even the end begins at once; it is over when the kernel has taken the settings back.
        let stopping = try answer(machine, writer, SIGTERM, "STOPPING=1")
        print("footprint: kernel busy, retuned after \(retuned ?? -1) ms, stopping after \(stopping ?? -1) ms")
        #expect(try #require(stopping) <= 100)
        try writer.end()
        #expect(try machine.stop() == 0)
        #expect(try kernel.settings().filter { !$0.hasPrefix("run=") } == found.filter { !$0.hasPrefix("run=") })
    }
}
