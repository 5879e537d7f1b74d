import Foundation
import KSMModel
import KSMTestSupport
import Testing

/// The daemon on the real KSM of this kernel.
///
/// Every test puts every setting back (`LiveKernel`).
@Suite(
    "LiveKernel: the daemon",
    .serialized,
    .enabled("needs root and a KSM that can be set") { geteuid() == 0 && LiveKernel.isAvailable }
)
struct LiveDaemonTests {
    /// Settings under which classic acts at once on any machine: the threshold is all memory.
    private static let eager = """
        [Tuner]
        Interval=1h
        [Scanner]
        ThresholdPercent=100%
        BoostPages=2000
        MaximumPages=10000

        """

    private func daemon(_ kernel: LiveKernel, _ text: String = eager) throws -> Program {
        let file = FileManager.default.temporaryDirectory.appending(path: "ksmd-live-\(UUID().uuidString).conf")
        try Data(text.utf8).write(to: file)
        let program = kernel.owns(try Program("ksmd", ["--config=\(file.path)"]))
        #expect(eventually { program.standardError.contains("Scanning started") || !program.process.isRunning })
        try FileManager.default.removeItem(at: file)
        return program
    }

    private func merged(_ kernel: LiveKernel) -> Bool {
        eventually(30) { kernel.counter(.pages_sharing) > 1000 }
    }

    @Test("SIGTERM: every setting is as before, and what is merged stays merged")
    func terminated() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        kernel.set(.pages_to_scan, "123")
        kernel.set(.sleep_millisecs, "45")
        let before = try kernel.settings()
        kernel.mergeable(mebibytes: 16)
        let daemon = try daemon(kernel)
        #expect(try LiveKernel.read(.pages_to_scan) == "2000" && LiveKernel.read(.run) == "1")
        #expect(merged(kernel))
        #expect(daemon.stop() == 0)
        #expect(try kernel.settings() == before)
        #expect(kernel.counter(.pages_shared) > 0)
        #expect(daemon.standardError.contains("KSM's settings are as ksmd found them"))
        #expect(!FileManager.default.fileExists(atPath: "/run/ksmd/saved"))
        #expect(!FileManager.default.fileExists(atPath: "/run/ksmd/state.json"))
    }

    @Test("kill -9, then ksmd --restore: the same")
    func killed() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let before = try kernel.settings()
        kernel.mergeable(mebibytes: 16)
        let daemon = try daemon(kernel)
        #expect(merged(kernel))
        daemon.send(SIGKILL)
        #expect(daemon.wait() == -SIGKILL)
        #expect(try kernel.settings() != before)
        let restore = try Program.run("ksmd", ["--restore"])
        #expect(restore.status == 0, "\(restore.err)")
        #expect(try kernel.settings() == before)
    }

    @Test("Start, merge, kill, start, stop: the first start's originals, not ksmd's own values")
    func twice() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let before = try kernel.settings()
        kernel.mergeable(mebibytes: 16)
        let first = try daemon(kernel)
        #expect(merged(kernel))
        first.send(SIGKILL)
        first.wait()
        let second = kernel.owns(try Program("ksmd", ["--json"]))
        #expect(eventually { second.standardOutput.contains("\n") })
        #expect(second.stop() == 0)
        #expect(try kernel.settings() == before)
        // And without a kill in between.
        let third = try daemon(kernel)
        #expect(third.stop() == 0)
        #expect(try daemon(kernel).stop() == 0)
        #expect(try kernel.settings() == before)
    }

    @Test("max_page_sharing cannot come back while pages are shared: it says so, and keeps the original for later")
    func postponed() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let original = try #require(try LiveKernel.read(.max_page_sharing))
        kernel.mergeable(mebibytes: 16)
        let daemon = try daemon(kernel)
        #expect(merged(kernel))
        daemon.send(SIGKILL)
        daemon.wait()
        // As if ksmd had changed it from 200 before.
        var saved = try String(contentsOfFile: "/run/ksmd/saved", encoding: .utf8)
        saved = saved.replacingOccurrences(of: "max_page_sharing=\(original)\n", with: "max_page_sharing=200 ours\n")
        try saved.write(toFile: "/run/ksmd/saved", atomically: true, encoding: .utf8)
        let refused = try Program.run("ksmd", ["--restore"])
        #expect(refused.status == 1)
        #expect(refused.err.contains("max_page_sharing cannot go back to 200 while"))
        #expect(try LiveKernel.read(.run) == "0")
        #expect(try String(contentsOfFile: "/run/ksmd/saved", encoding: .utf8).contains("max_page_sharing=200 ours"))
        #expect(kernel.forgetMemory())
        #expect(try Program.run("ksmd", ["--restore"]).status == 0)
        #expect(try LiveKernel.read(.max_page_sharing) == "200")
    }

    @Test("The kernel's advisor is taken over and comes back with the batch it had")
    func advisor() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        guard try LiveKernel.read(.advisor_mode) != nil else { return }
        kernel.set(.advisor_min_pages_to_scan, "700")
        kernel.set(.advisor_mode, "scan-time")
        kernel.set(.advisor_min_pages_to_scan, "600")
        let before = try kernel.settings()
        #expect(before.contains("pages_to_scan=700"))
        let daemon = try daemon(kernel)
        #expect(try LiveKernel.read(.advisor_mode) == "none")
        #expect(try LiveKernel.read(.pages_to_scan) == "2000")
        #expect(daemon.stop() == 0)
        #expect(try kernel.settings() == before)
    }

    @Test("With Advisor=keep the EINVAL of pages_to_scan is not run into")
    func advisorKept() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        guard kernel.set(.advisor_mode, "scan-time") else { return }
        let before = try kernel.settings()
        let daemon = try daemon(kernel, LiveDaemonTests.eager + "[Tuner]\nAdvisor=keep\n")
        #expect(try LiveKernel.read(.advisor_mode) == "scan-time")
        #expect(try LiveKernel.read(.run) == "1")
        #expect(!daemon.standardError.contains("Failed"))
        #expect(daemon.stop() == 0)
        #expect(try kernel.settings() == before)
    }

    @Test("Three SIGUSR1 within a second are one adjustment")
    func retune() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try daemon(kernel)
        for _ in 1...3 {
            daemon.send(SIGUSR1)
            usleep(300_000)
        }
        #expect(eventually { (try? LiveKernel.read(.pages_to_scan)) == "4000" })
        #expect(try LiveKernel.read(.pages_to_scan) == "4000")
        #expect(daemon.stop() == 0)
    }

    @Test("A value that somebody else writes is told once, respected, and not put back")
    func foreign() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try daemon(kernel)
        kernel.set(.sleep_millisecs, "77")
        daemon.send(SIGUSR1)
        #expect(eventually { daemon.standardError.contains("somebody else has set it to 77") })
        #expect(daemon.stop() == 0)
        #expect(try LiveKernel.read(.sleep_millisecs) == "77")
    }

    @Test("pidof and pgrep find the scanner thread as ksmd, and the daemon as ksmtuned")
    func name() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try daemon(kernel)
        let scanner = try Program.run("/usr/bin/env", ["pidof", "ksmd"]).out
        #expect(scanner.split(separator: " ").count == 1)
        #expect(!scanner.contains("\(daemon.pid)"))
        #expect(try Program.run("/usr/bin/env", ["pgrep", "-x", "ksmd"]).out == scanner)
        // Other tests' daemons, on recorded machines, have the name too.
        for finder in [["pidof", "ksmtuned"], ["pgrep", "-x", "ksmtuned"]] {
            let found = try Program.run("/usr/bin/env", finder).out.split(whereSeparator: \.isWhitespace)
            #expect(found.contains { $0 == "\(daemon.pid)" }, "\(finder)")
        }
        #expect(daemon.stop() == 0)
    }

    @Test("A second ksmd is refused by name, and so is a process that may not write")
    func refused() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let daemon = try daemon(kernel)
        let second = try Program.run("ksmd", ["--ticks=1"])
        #expect(second.status == 69)
        #expect(second.err.contains("Another ksmd is running with pid \(daemon.pid)"))
        #expect(daemon.stop() == 0)
        let path = Program.directory.appending(path: "ksmd").path
        let nobody = try Program.run("/usr/bin/env", ["setpriv", "--reuid=65534", "--clear-groups", path, "--ticks=1"])
        #expect(nobody.status == 77)
        #expect(nobody.err.contains("/sys/kernel/mm/ksm/run: Permission denied"))
        let mounts = "mount --bind $1 $1 && mount -o remount,ro,bind $1 && exec $0 --ticks=1"
        let readOnly = try Program.run(
            "/usr/bin/env",
            ["unshare", "-m", "--propagation", "private", "sh", "-c", mounts, path, "/sys/kernel/mm/ksm"]
        )
        #expect(readOnly.status == 77)
        #expect(readOnly.err.contains("Read-only file system"))
    }

    @Test("--ticks on the running machine decides, writes, and puts everything back")
    func ticks() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let before = try kernel.settings()
        let dry = try Program.run("ksmd", ["--dry-run", "--json", "--ticks=2"])
        #expect(dry.status == 0 && dry.out.split(separator: "\n").count == 2)
        #expect(try kernel.settings() == before)
        let real = try Program.run("ksmd", ["--json", "--ticks=2"])
        #expect(real.status == 0 && real.out.split(separator: "\n").count == 2)
        #expect(try kernel.settings() == before)
    }

    @Test("ksmctl stop holds the running daemon over its restart, and ksmctl start ends it")
    func hold() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        var daemon = try daemon(kernel)
        #expect(try Program.run("ksmctl", ["stop"]).status == 0)
        #expect(try LiveKernel.read(.run) == "0")
        #expect(eventually { daemon.standardError.contains("KSM is held stopped") })
        #expect(try Program.run("ksmctl", ["status", "--json"]).out.contains("\"held\""))
        #expect(daemon.stop() == 0)
        daemon = kernel.owns(try Program("ksmd", ["--json", "--config=/dev/null"]))
        #expect(eventually { daemon.standardOutput.contains("ksmctl stop") })
        #expect(try LiveKernel.read(.run) == "0")
        #expect(try Program.run("ksmctl", ["start"]).status == 0)
        #expect(eventually { daemon.standardError.contains("no longer held") })
        #expect(daemon.stop() == 0)
    }

    @Test("What status says agrees with the kernel's counters")
    func status() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        kernel.mergeable(mebibytes: 16)
        let daemon = try daemon(kernel)
        #expect(merged(kernel))
        #expect(eventually { kernel.counter(.pages_sharing) + kernel.counter(.pages_shared) >= 4096 })
        struct Status: Decodable {
            var state: String
            var saved_bytes: UInt64
            var net_saved_bytes: Int64
        }
        let text = try Program.run("ksmctl", ["status", "--json"]).out
        let status = try JSONDecoder().decode(Status.self, from: Data(text.utf8))
        #expect(status.state == "scanning")
        #expect(status.saved_bytes == (kernel.counter(.pages_sharing) + kernel.counter(.ksm_zero_pages)) * 4096)
        #expect(status.net_saved_bytes < Int64(status.saved_bytes))
        #expect(daemon.stop() == 0)
    }
}
