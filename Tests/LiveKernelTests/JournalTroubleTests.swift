import Foundation
import Glibc
import KSMTestSupport
import Testing

/// The built daemon with a journal that stands still, dies, comes back, or is full.
@Suite(
    "LiveKernel: trouble with the journal",
    .serialized,
    .enabled("needs root, a KSM that can be set and systemd-journald") {
        geteuid() == 0 && LiveKernel.isAvailable && access(OwnJournal.program, X_OK) == 0
    }
)
struct JournalTroubleTests {
    /// Every tick writes: the batch grows by a page.
    private static let talkative =
        "[Scanner]\nThresholdPercent=100%\nMinimumPages=64\nBoostPages=1\nMaximumPages=9000\n"

    private func daemon(_ kernel: LiveKernel, _ journal: OwnJournal) throws -> WatchedDaemon {
        try WatchedDaemon(
            kernel,
            sources: "none",
            JournalTroubleTests.talkative,
            command: journal.command(standardError: "/run/ksmd.err"),
            root: journal.root
        )
    }

    /// Asks for a tick until one has come; what is asked within two seconds of the last one is none.
    private func goesOn(_ daemon: WatchedDaemon) -> Bool {
        let tick = daemon.tick
        return eventually(5) {
            daemon.program.send(SIGUSR1)
            return daemon.tick > tick
        }
    }

    @Test("A journal that stands still and takes nothing more does not hold ksmd up, and misses nothing it took")
    func standsStill() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let journal = try OwnJournal()
        let daemon = try daemon(kernel, journal)
        #expect(try eventually { try journal.entries("Scanning started") == 1 })
        journal.send(SIGSTOP)
        try journal.fill()
        for _ in 0..<3 { #expect(goesOn(daemon)) }
        // What the journal did not take is text, which systemd's stream keeps for it.
        #expect(journal.text("/run/ksmd.err").contains("pages per batch"))
        #expect(daemon.program.process.isRunning)
        journal.send(SIGCONT)
        let before = try journal.entries("pages per batch")
        #expect(goesOn(daemon))
        #expect(try eventually { try journal.entries("pages per batch") > before })
        #expect(daemon.program.stop() == 0)
    }

    @Test("A journal that was killed and started again gets the entries that come after")
    func restarted() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let journal = try OwnJournal()
        let daemon = try daemon(kernel, journal)
        #expect(try eventually { try journal.entries("Scanning started") == 1 })
        journal.send(SIGKILL)
        #expect(goesOn(daemon))
        #expect(journal.text("/run/ksmd.err").contains("pages per batch"))
        try journal.start()
        let before = try journal.entries("pages per batch")
        #expect(goesOn(daemon))
        #expect(try eventually { try journal.entries("pages per batch") > before })
        #expect(daemon.program.stop() == 0)
    }

    @Test("A journal without room does not hold ksmd up")
    func full() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        // Too small for a journal's file.
        let journal = try OwnJournal(kibibytes: 64)
        let daemon = try daemon(kernel, journal)
        for _ in 0..<3 { #expect(goesOn(daemon)) }
        #expect(try journal.entries("") == 0)
        #expect(daemon.program.stop() == 0)
    }
}
