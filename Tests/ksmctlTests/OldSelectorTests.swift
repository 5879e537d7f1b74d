import Foundation
import KSMTestSupport
import Testing

@testable import ksmctl

/// One process, and whether Debian's ksmtuned counts it as a guest.
struct Candidate: CustomTestStringConvertible, Sendable {
    var what: String
    var words: [String]
    var isCounted: Bool

    init(_ what: String, _ line: String, _ isCounted: Bool) {
        self.what = what
        words = line.split(separator: " ").map(String.init)
        self.isCounted = isCounted
    }

    var testDescription: String { what }
    var commandLine: [UInt8] { words.flatMap { Array($0.utf8) + [0] } }

    static let all = [
        Candidate("libvirt's guest", "/usr/bin/qemu-system-x86_64 -name guest=web -machine pc,accel=kvm", false),
        Candidate("the same with -accel", "/usr/bin/qemu-system-x86_64 -name guest=web -accel kvm", false),
        Candidate("started by hand", "qemu-system-x86_64 -m 512 -enable-kvm", true),
        Candidate("with two dashes", "qemu-system-x86_64 --enable-kvm -m 512", true),
        Candidate("Debian's kvm(1)", "qemu-system-x86_64 -enable-kvm", true),
        Candidate("by hand with its path", "/usr/bin/qemu-system-x86_64 -enable-kvm", false),
        Candidate("by hand with accel=kvm", "qemu-system-x86_64 -machine accel=kvm", false),
        Candidate("emulation only", "qemu-system-aarch64 -M virt", false),
        Candidate("Red Hat's", "/usr/libexec/qemu-kvm -enable-kvm", false),
        Candidate("a process title of libvirt", "qemu:web -enable-kvm", false),
        Candidate("Proxmox's", "/usr/bin/kvm -id 100 -name web -enable-kvm", false),
        Candidate("qemu-img", "qemu-img convert a b", false),
        Candidate("cloud-hypervisor", "cloud-hypervisor --kernel vmlinux", false),
        Candidate("the option as part of a word", "qemu-system-x86_64 -name x-enable-kvm-y", true),
        Candidate("the option in front", "-enable-kvm qemu-system-x86_64", false),
        Candidate("half the option", "qemu-system-x86_64 -enable", false),
        Candidate("nothing", "", false),
    ]
}

@Suite("Which guests ksmtuned did not count")
struct OldSelectorTests {
    static let hasPgrep = FileManager.default.isExecutableFile(atPath: "/usr/bin/pgrep")

    @Test("the pattern of the script", arguments: Candidate.all)
    func pattern(_ candidate: Candidate) {
        #expect(OldSelector.counts(candidate.commandLine) == candidate.isCounted)
    }

    @Test("pgrep itself says so of real processes", .enabled(if: hasPgrep, "there is no pgrep"))
    func pgrep() throws {
        let candidates = Candidate.all.filter { !$0.words.isEmpty }
        let processes = try candidates.map { try Self.start($0) }
        // Not SIGTERM: the threads of the tests block it, and processes inherit that.
        defer {
            for process in processes { kill(process.processIdentifier, SIGKILL) }
            for process in processes { process.waitUntilExit() }
        }
        for (candidate, process) in zip(candidates, processes) {
            let path = "/proc/\(process.processIdentifier)/cmdline"
            let name = Array(candidate.words[0].utf8)
            #expect(eventually { FileManager.default.contents(atPath: path)?.starts(with: name) == true })
        }
        let found = try Tool.runProgram(["pgrep", "-f", "^qemu-system.*-enable-kvm"]).output.split(separator: "\n")
        for (candidate, process) in zip(candidates, processes) {
            #expect(found.contains("\(process.processIdentifier)") == candidate.isCounted, "\(candidate.what)")
        }
    }

    /// A shell that waits, under the first word as its name; the others are its parameters.
    private static func start(_ candidate: Candidate) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let script = #"name=$1; shift; exec -a "$name" /bin/sh -c 'read line' "$@""#
        process.arguments = ["-c", script, "bash"] + candidate.words
        process.standardInput = Pipe()
        try process.run()
        return process
    }

    private static func selector(_ names: [(String, Bool)]) -> OldSelector {
        OldSelector(
            names.map { name, isCounted in
                (name, Array("\(isCounted ? "" : "/usr/bin/")qemu-system-x86_64\0-enable-kvm\0".utf8))
            }
        )
    }

    private static let reason =
        "it looks for command lines that begin with qemu-system and have -enable-kvm. ksmd counts"

    @Test("some were not counted")
    func some() {
        let selector = Self.selector([("web", false), ("own", true), ("mail", false), ("db", false)])
        #expect(
            selector.sentence
                == "Debian's ksmtuned did not count 3 of the 4 guests that run now (web, mail, db): \(Self.reason) all"
                + " of them, so merging may start earlier."
        )
    }

    @Test("none was counted, and more than a sentence holds")
    func none() throws {
        let sentence = try #require(Self.selector((1...12).map { ("g\($0)", false) }).sentence)
        #expect(sentence.hasPrefix("Debian's ksmtuned did not count any of the 12 guests that run now (g1, g2, "))
        #expect(sentence.contains(", g10 and 2 more): "))
    }

    @Test("one guest that was not counted, and one that was")
    func one() {
        #expect(
            Self.selector([("web", false)]).sentence
                == "Debian's ksmtuned did not count the guest that runs now (web): \(Self.reason) it, so merging may"
                + " start earlier."
        )
        #expect(
            Self.selector([("web", true)]).sentence
                == "Debian's ksmtuned counted the guest that runs now, and so does ksmd."
        )
    }

    @Test("all were counted, or none runs")
    func nothingToSay() {
        #expect(
            Self.selector([("a", true), ("b", true)]).sentence
                == "Debian's ksmtuned counted all 2 guests that run now, and so does ksmd."
        )
        #expect(Self.selector([]).sentence == nil)
    }
}
