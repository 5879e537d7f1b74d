import Foundation
import Testing

/// A namespace of its own in which `/sys/kernel/mm/ksm`, `/run`, `/etc/default` and `/proc/meminfo` are the test's own:
/// the real programs run, and the real KSM is never touched.
struct Sandbox {
    let machine: TemporaryDirectory

    init(_ more: [String: String] = [:]) throws {
        var files = RecordedMachine.files.filter { $0.key.hasPrefix("sys/") }
        files["run/.keep"] = ""
        files["etc/.keep"] = ""
        // So much memory that no policy scans, whatever runs on this machine.
        files["meminfo"] = "MemTotal: 1099511627776 kB\nMemFree: 999511627776 kB\nBuffers: 0 kB\nCached: 0 kB\n"
        machine = try TemporaryDirectory(files.merging(more) { $1 })
    }

    private static let mounts = """
        set -e
        mount --bind "$1/sys/kernel/mm/ksm" /sys/kernel/mm/ksm
        mount --bind "$1/run" /run
        mount --bind "$1/etc" /etc/default
        mount --bind "$1/meminfo" /proc/meminfo
        PATH="$2:$PATH"
        set +e

        """

    /// Waits until the first argument, a command, succeeds; ten seconds are for loaded machines.
    private static let wait = """
        wait_until() { for i in $(seq 200); do eval "$1" && return; sleep 0.05; done; echo "never came: $1"; }

        """

    /// Runs a shell script; its exit status is that of its last command.
    func run(_ script: String) throws -> Tool.Result {
        let words = [
            "unshare", "--mount", "--propagation", "private", "sh", "-c", Sandbox.mounts + Sandbox.wait + script,
        ]
        return try Tool.runProgram(words + ["sh", machine.path, Tool.directory.path])
    }

    subscript(attribute: String) -> String? {
        machine.read("sys/kernel/mm/ksm/\(attribute)")
    }
}

@Suite("Control", .enabled(if: Tool.canMount && Tool.hasKSM, "needs root, mounts of its own, and /sys/kernel/mm/ksm"))
struct ControlTests {
    @Test("Start and stop without a daemon write `run`, and leave no hold")
    func withoutDaemon() throws {
        let sandbox = try Sandbox()
        let start = try sandbox.run("ksmctl start extra words")
        #expect(start.status == 0)
        #expect(start.output == "KSM scans; ksmd is not running, so nobody tunes it.\n")
        #expect(sandbox["run"] == "1\n")
        let stop = try sandbox.run("ksmctl stop")
        #expect(stop.status == 0)
        #expect(stop.output == "KSM is stopped; what is merged stays merged.\n")
        #expect(sandbox["run"] == "0\n")
        #expect(sandbox.machine.read("run/ksmd/hold") == nil)
        #expect(try sandbox.run("ksmctl retune").status == 3)
        #expect(try sandbox.run("ksmctl retune").errors == "ksmctl: ksmd is not running\n")
    }

    @Test("Start as JSON")
    func json() throws {
        let result = try Sandbox().run("ksmctl start --json")
        #expect(result.status == 0)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(json["run"] as? Int == 1)
        #expect(json["daemon_pid"] is NSNull)
    }

    @Test(
        "Where a kernel before 2.6.33 has max_kernel_pages, start sets it as ksm.service did",
        arguments: [("", nil), ("KSM_MAX_KERNEL_PAGES=0x10\n", "16\n"), ("KSM_MAX_KERNEL_PAGES=0\n", "0\n")]
    )
    func maxKernelPages(configuration: String, expected: String?) throws {
        let sandbox = try Sandbox(["sys/kernel/mm/ksm/max_kernel_pages": "", "etc/ksm": configuration])
        #expect(try sandbox.run("ksmctl start").status == 0)
        let half = "\(sysconf(Int32(_SC_PHYS_PAGES)) / 2)\n"
        #expect(sandbox["max_kernel_pages"] == expected ?? half)
    }

    @Test(
        "Without permission start and stop say so, with the old exit status",
        .enabled(if: Tool.canBeNobody, "nobody cannot run ksmctl here"),
        arguments: ["start", "stop"]
    )
    func forbidden(verb: String) throws {
        let sandbox = try Sandbox()
        let nobody = Tool.nobody.joined(separator: " ")
        let script = "\(nobody) \"$(command -v ksmctl)\" \(verb)"
        let result = try sandbox.run(script)
        #expect(result.status == 1)
        let cause = "Failed to open for writing /sys/kernel/mm/ksm/run: Permission denied"
        #expect(result.errors == "ksmctl: \(cause) (run it as root)\n")
        #expect(sandbox["run"] == "0\n")
    }

    @Test("Without KSM start says so", arguments: ["start", "stop"])
    func noKSM(verb: String) throws {
        let sandbox = try Sandbox()
        let result = try sandbox.run("rm /sys/kernel/mm/ksm/*; ksmctl \(verb)")
        #expect(result.status == 1)
        #expect(result.errors.contains("run: No such file or directory"))
    }

    /// A full pipe in place of `run` blocks its writer as the scanner's batch does.
    @Test("A write that does not come back is given up after ten seconds, and what may block it is said")
    func blocked() throws {
        let result = try Sandbox().run(
            """
            cd /sys/kernel/mm/ksm; rm run; mkfifo run
            sleep 60 <> run & reader=$!
            timeout 1 dd if=/dev/zero of=run bs=4096 2>/dev/null
            ksmctl start; status=$?
            kill $reader; exit $status
            """
        )
        #expect(result.status == 1)
        #expect(result.errors.hasPrefix("ksmctl: writing 1 to run has not come back for 10 s: "))
        #expect(result.errors.contains("(pages_to_scan is 100)"))
    }

    @Test(
        "With a daemon, stop holds over its restart until start",
        .enabled(if: Tool.canBeNobody, "nobody cannot run ksmctl here")
    )
    func withDaemon() throws {
        let sandbox = try Sandbox()
        let result = try sandbox.run(
            """
            trap 'kill $pid 2>/dev/null' EXIT
            start_daemon() { ksmd 2>/dev/null & pid=$!; wait_until 'grep -q "\\"pid\\":$pid," /run/ksmd/state.json 2>/dev/null'
                wait_until 'ksmctl status --json | grep -q "\\"tick\\": [1-9]"'; }
            state() { ksmctl status --json | sed -n 's/^  "state": "\\(.*\\)",/\\1/p'; }
            start_daemon
            echo "first $(state)"
            echo "retune $(ksmctl retune | cut -d: -f1)"
            nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
            $nobody "$(command -v ksmctl)" status --json | grep -q '"policy": "classic"'; echo "status of nobody $?"
            $nobody "$(command -v ksmctl)" retune 2>&1; echo "retune of nobody $?"
            ksmctl stop; echo "stop $?"
            cat /run/ksmd/hold | sed 's/[0-9][0-9]*$/N/'
            echo "held $(state) run $(cat /sys/kernel/mm/ksm/run)"
            kill -TERM $pid; wait $pid; echo "ended $?"
            start_daemon
            echo "again $(state)"
            ksmctl start >/dev/null; echo "start $?"
            test -e /run/ksmd/hold || echo "no hold"
            echo "last $(state)"
            kill -TERM $pid; wait $pid
            """
        )
        #expect(
            result.output.replacing(/pid [0-9]+/, with: "pid N") == """
                first stopped
                retune stopped
                status of nobody 0
                ksmctl: Failed to signal ksmd (pid N): Operation not permitted (run it as root)
                retune of nobody 77
                KSM is stopped until `ksmctl start` or a reboot; what is merged stays merged.
                stop 0
                version N
                by root
                since N
                held held run 0
                ended 0
                again held
                start 0
                no hold
                last stopped

                """
        )
        #expect(result.errors.isEmpty)
    }

    // MARK: Pauses

    @Test("A pause holds, says until when and why, outlives a restart, and ends by itself or with resume")
    func pause() throws {
        let sandbox = try Sandbox()
        let result = try sandbox.run(
            """
            trap 'kill $pid 2>/dev/null' EXIT
            start_daemon() { ksmd 2>>/run/told & pid=$!; wait_until 'grep -q "\\"pid\\":$pid," /run/ksmd/state.json 2>/dev/null'
                wait_until 'ksmctl status --json | grep -q "\\"tick\\": [1-9]"'; }
            state() { ksmctl status --json | sed -n 's/^  "state": "\\(.*\\)",/\\1/p'; }
            start_daemon
            ksmctl pause --for 1h measuring the guests >/dev/null; echo "pause $?"
            echo "first $(state) run $(cat /sys/kernel/mm/ksm/run)"
            ksmctl status | tr -s ' \\n' ' ' | grep -c 'paused by root .* ago until .* UTC (measuring the guests)'
            kill -TERM $pid; wait $pid
            start_daemon
            echo "again $(state)"
            ksmctl resume >/dev/null; echo "resume $?"
            echo "then $(state)"
            ksmctl resume
            ksmctl pause --for 1s >/dev/null
            echo "short $(state)"
            wait_until '[ "$(state)" = stopped ]'
            test -e /run/ksmd/pause || echo "no pause"
            echo "nonsense" > /etc/default/ksm; ksmctl reload > /dev/null; echo "reload $?"
            kill -TERM $pid; wait $pid
            grep -c "KSM is no longer paused; ksmd decides again" /run/told
            """
        )
        #expect(
            result.output == """
                pause 0
                first paused run 0
                1
                again paused
                resume 0
                then stopped
                KSM was not paused.
                short paused
                no pause
                reload 0
                2

                """
        )
        #expect(result.errors.isEmpty)
    }

    @Test(
        "What is no time is a misuse, and nothing is written",
        arguments: [
            "--for 5parsecs", "--for 0", "--for 100ms", "--until yesterday", "--until 25:00", "--for 1h --until 18:00",
            "--for infinity", String(repeating: "x", count: 401),
        ]
    )
    func noTime(arguments: String) throws {
        let sandbox = try Sandbox()
        let result = try sandbox.run("ksmctl pause \(arguments)")
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("ksmctl: "))
        #expect(sandbox.machine.read("run/ksmd/pause") == nil)
    }

    @Test("Without a daemon nobody could end a pause, so there is none; one that was left can be ended")
    func pauseWithoutDaemon() throws {
        let sandbox = try Sandbox()
        #expect(try sandbox.run("ksmctl pause --for 1h").status == 3)
        #expect(sandbox.machine.read("run/ksmd/pause") == nil)
        #expect(try sandbox.run("ksmctl resume").status == 3)
        let left = try Sandbox(["run/ksmd/pause": "version 1\nby anna\nsince 1\n"])
        let ended = try left.run("ksmctl resume")
        #expect(ended.status == 0 && ended.output == "The pause has ended; ksmd is not running.\n")
        #expect(left.machine.read("run/ksmd/pause") == nil)
    }
}
