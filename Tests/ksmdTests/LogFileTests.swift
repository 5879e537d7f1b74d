import Foundation
import KSMTestSupport
import Testing

@Suite("ksmtuned's log where the file system is read-only, as in the unit's sandbox", .enabled(if: Sandbox.isPossible))
struct LogFileTests {
    private func machine(_ log: String) throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.write("run/x", "")
        try machine.write("var/log/x", "")
        try machine.write("etc/ksmtuned.conf", "DEBUG=1\nLOGFILE=\(log)\n")
        return machine
    }

    @Test("the file that is mounted for writing is written, and begins again when it is cut (copytruncate)")
    func mounted() throws {
        let machine = try machine("/var/log/ksmtuned")
        try machine.write("var/log/ksmtuned", "old\n")
        let run = try Sandbox.run(
            machine,
            "$2 --root=$1 --ticks=3; cp /dev/null $1/var/log/ksmtuned; $2 --root=$1 --ticks=1"
        )
        #expect(run.status == 0)
        #expect(!run.errors.contains("log lines are lost"))
        let lines = try #require(machine.read("var/log/ksmtuned")).split(separator: "\n")
        #expect(lines.count == 3 + 2)
        #expect(lines.first?.hasSuffix(": total 16777216") == true)
    }

    @Test("one that was missing when the sandbox was made is a warning, once")
    func missing() throws {
        let run = try Sandbox.run(try machine("/var/log/ksmtuned"), "$2 --root=$1 --ticks=2")
        #expect(run.status == 0)
        let warning =
            "Failed to open for writing /var/log/ksmtuned: Read-only file system, so ksmtuned's log lines are lost;"
            + " `systemd-tmpfiles --create` makes it, and a restart lets ksmd see it\n"
        #expect(run.errors.components(separatedBy: warning).count == 2)
    }

    @Test("one in another place is a warning, once, that names the drop-in")
    func elsewhere() throws {
        let run = try Sandbox.run(try machine("/var/log/ksm.log"), "$2 --root=$1 --ticks=2")
        #expect(run.status == 0)
        let warning =
            "Failed to open for writing /var/log/ksm.log: Read-only file system, so ksmtuned's log lines are lost; the"
            + " unit's sandbox allows /var/log/ksmtuned only: for another place see"
            + " /usr/share/doc/ksmd/examples/log-file.conf\n"
        #expect(run.errors.components(separatedBy: warning).count == 2)
    }
}

/// A machine's directory as ProtectSystem=strict shows it, with mounts of its own.
private enum Sandbox {
    static let isPossible = geteuid() == 0 && (try? shell("true", []))?.status == 0

    /// Runs shell code in it: `$1` is the directory, `$2` ksmd.
    static func run(_ machine: FixtureMachine, _ code: String) throws -> (status: Int32, errors: String) {
        let mounts = #"""
            set -e
            mount --bind "$1" "$1"
            for place in sys run var/log/ksmtuned; do
                [ ! -e "$1/$place" ] || mount --bind "$1/$place" "$1/$place"
            done
            mount -o remount,bind,ro "$1"

            """#
        return try shell(mounts + code, [machine.path, Program.directory.appending(path: "ksmd").path])
    }

    private static func shell(_ code: String, _ words: [String]) throws -> (status: Int32, errors: String) {
        let run = try Program("/usr/bin/unshare", ["--mount", "sh", "-c", code, "sh"] + words)
        run.wait()
        return (run.process.terminationStatus, run.standardError)
    }
}
