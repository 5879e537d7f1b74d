import Foundation
import Testing

/// The real program in a namespace of its own, where the kernel's attributes are plain files.
///
/// What it writes, says and exits with; what the real kernel does is tried in the micro VMs.
@Suite(
    "Setting the scope, and un-sharing",
    .enabled(if: Tool.canMount && Tool.hasKSM, "needs root, mounts of its own, and /sys/kernel/mm/ksm")
)
struct ScopeTests {
    /// Room for everything.
    private static let meminfo =
        "MemTotal: 1099511627 kB\nMemFree: 999511627 kB\nMemAvailable: 999511627 kB\nBuffers: 0 kB\nCached: 0 kB\n"
    private static let nothingMerged = [
        "sys/kernel/mm/ksm/pages_shared": "0\n", "sys/kernel/mm/ksm/pages_sharing": "0\n", "meminfo": meminfo,
    ]

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func said(_ sandbox: Sandbox) -> [Substring]? {
        sandbox.machine.read("run/ksmd/scope").map { $0.split(separator: "\n") }
    }

    @Test("With nothing merged the scope is set at once, and kept in the user's name")
    func free() throws {
        let sandbox = try Sandbox(Self.nothingMerged.merging(["sys/kernel/mm/ksm/run": "1\n"]) { $1 })
        let result = try sandbox.run("SUDO_USER=alice ksmctl numa set local")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("merge_across_nodes is 0 (local); nothing was merged in "))
        #expect(sandbox["merge_across_nodes"] == "0\n")
        #expect(sandbox["run"] == "1\n")
        #expect(sandbox["pages_to_scan"] == "100\n")
        #expect(said(sandbox)?.first == "local")
        #expect(said(sandbox)?.last == "alice")
        let again = try sandbox.run("ksmctl numa set local --json")
        #expect(again.status == 0)
        let json = try object(again.output)
        #expect(json["outcome"] as? String == "unchanged")
        #expect(json["setting"] as? String == "local")
        #expect(json["plan"] is NSNull)
        #expect(said(sandbox)?.last == "root")
    }

    @Test("A dry run prints the plan and changes nothing")
    func dryRun() throws {
        let sandbox = try Sandbox(["meminfo": Self.meminfo])
        let result = try sandbox.run("ksmctl numa set local --dry-run")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("Un-shares      900 pages, 3.5 MiB\nLongest stall  "))
        #expect(result.output.contains("\nPLACE  "))
        #expect(result.output.hasSuffix("\nIt would be done.\n"))
        let json = try object(try sandbox.run("ksmctl unmerge --dry-run --json").output)
        #expect(json["outcome"] as? String == "planned")
        #expect((json["plan"] as? [String: Any])?["pages"] as? Int == 900)
        let same = try sandbox.run("ksmctl numa set across --dry-run")
        #expect(same.status == 0)
        #expect(same.output == "it is across already.\n")
        #expect(sandbox["merge_across_nodes"] == "1\n")
        #expect(sandbox["run"] == "0\n")
        #expect(sandbox.machine.files().filter { $0.hasPrefix("run/ksmd/") } == [])
    }

    @Test("What memory does not hold is refused with the numbers, and nothing is touched", arguments: [false, true])
    func refused(isDryRun: Bool) throws {
        let short = "MemTotal: 1099511627 kB\nMemFree: 1000 kB\nMemAvailable: 2000 kB\nBuffers: 0 kB\nCached: 0 kB\n"
        let sandbox = try Sandbox(["meminfo": short, "sys/kernel/mm/ksm/run": "1\n"])
        for command in ["numa set local", "unmerge"] {
            let result = try sandbox.run("ksmctl \(command) --json \(isDryRun ? "--dry-run" : "")")
            #expect(result.status == 1)
            #expect(result.errors.hasPrefix("ksmctl: memory does not hold it: "))
            #expect(result.errors.split(separator: "\n").count == 1)
            let json = try object(result.output)
            #expect(json["outcome"] as? String == "refused")
            let needs = try #require((json["plan"] as? [String: Any])?["needs"] as? [[String: Any]])
            #expect(needs.first?["place"] as? String == "host")
            #expect(needs.first?["is_met"] as? Bool == false)
            #expect(needs.first?["present_bytes"] as? Int == 2_048_000)
        }
        #expect(sandbox["run"] == "1\n")
        #expect(sandbox["pages_to_scan"] == "100\n")
        #expect(sandbox["merge_across_nodes"] == "1\n")
        #expect(said(sandbox) == nil)
        #expect(sandbox.machine.read("run/ksmd/hold") == nil)
    }

    /// A plain file never un-shares anything: the counters stay.
    @Test("What the kernel does not do is a failure, and all comes back", arguments: ["numa set local", "unmerge"])
    func failed(command: String) throws {
        let sandbox = try Sandbox(["meminfo": Self.meminfo, "sys/kernel/mm/ksm/run": "1\n"])
        let result = try sandbox.run("ksmctl \(command)")
        #expect(result.status == 1)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("ksmctl: "))
        #expect(sandbox["run"] == "1\n")
        #expect(sandbox["merge_across_nodes"] == "1\n")
        #expect(sandbox["pages_to_scan"] == "100\n")
        #expect(said(sandbox) == nil)
        #expect(sandbox.machine.read("run/ksmd/hold") == nil)
    }

    @Test("A failure leaves the word and the hold of before")
    func failedLater() throws {
        let sandbox = try Sandbox([
            "meminfo": Self.meminfo, "run/ksmd/scope": "across\n5\nbob\n",
            "run/ksmd/hold": "version 1\nby bob\nsince 5\n",
        ])
        #expect(try sandbox.run("ksmctl numa set local").status == 1)
        #expect(try sandbox.run("ksmctl unmerge").status == 1)
        #expect(said(sandbox) == ["across", "5", "bob"])
        #expect(sandbox.machine.read("run/ksmd/hold") == "version 1\nby bob\nsince 5\n")
    }

    @Test("Unmerge leaves run at 0 and a hold, until start")
    func unmerge() throws {
        let sandbox = try Sandbox(Self.nothingMerged.merging(["sys/kernel/mm/ksm/run": "1\n"]) { $1 })
        let result = try sandbox.run("ksmctl unmerge")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("nothing was merged; KSM is stopped in "))
        #expect(result.output.hasSuffix("Nothing is merged until `ksmctl start` or a reboot.\n"))
        #expect(sandbox["run"] == "0\n")
        #expect(sandbox.machine.read("run/ksmd/hold")?.contains("by root") == true)
        #expect(try sandbox.run("ksmctl unmerge --json").output.contains("\"outcome\": \"unchanged\""))
        #expect(try sandbox.run("ksmctl start").status == 0)
        #expect(sandbox.machine.read("run/ksmd/hold") == nil)
    }

    @Test("Leave and auto are kept as the user's word; auto says what it chooses")
    func words() throws {
        let sandbox = try Sandbox(["meminfo": Self.meminfo])
        let leave = try sandbox.run("ksmctl numa set leave")
        #expect(leave.status == 0)
        #expect(leave.output == "merge_across_nodes stays 1 (across).\n")
        #expect(said(sandbox)?.first == "leave")
        let auto = try sandbox.run("ksmctl numa set auto --json")
        #expect(auto.status == 0)
        #expect(said(sandbox)?.first == "auto")
        let decision = try object(try sandbox.run("ksmctl numa --json").output)["auto"] as? [String: Any]
        #expect(try object(auto.output)["sentence"] as? String == decision?["reason"] as? String)
        #expect(sandbox["merge_across_nodes"] == "1\n")
        #expect(try sandbox.run("ksmctl numa").output.contains("Set          auto by root "))
    }

    @Test(
        "Without permission: exit status 77, and nothing is said or done",
        .enabled(if: Tool.canBeNobody, "nobody cannot run ksmctl here"),
        arguments: ["numa set local", "numa set auto", "numa set leave", "unmerge"]
    )
    func forbidden(command: String) throws {
        let sandbox = try Sandbox(Self.nothingMerged)
        let nobody = Tool.nobody.joined(separator: " ")
        let result = try sandbox.run("\(nobody) \"$(command -v ksmctl)\" \(command)")
        #expect(result.status == 77)
        #expect(result.errors.hasSuffix("run: Permission denied (run it as root)\n"))
        #expect(said(sandbox) == nil)
    }

    @Test("A kernel without KSM: exit status 69", arguments: ["numa set local", "unmerge"])
    func noKSM(command: String) throws {
        let result = try Sandbox().run("rm /sys/kernel/mm/ksm/*; ksmctl \(command)")
        #expect(result.status == 69)
        #expect(result.errors.contains("this kernel has no KSM"))
    }

    @Test("A kernel without merge_across_nodes has no scope to set")
    func noScope() throws {
        let result = try Sandbox().run("rm /sys/kernel/mm/ksm/merge_across_nodes; ksmctl numa set local")
        #expect(result.status == 1)
        #expect(result.errors == "ksmctl: this kernel has no merge_across_nodes (CONFIG_NUMA is off)\n")
    }

    @Test("A daemon is told: it keeps what was set by hand, and stays held after unmerge")
    func withDaemon() throws {
        let sandbox = try Sandbox(Self.nothingMerged)
        let result = try sandbox.run(
            """
            trap 'kill $pid 2>/dev/null' EXIT
            ksmd 2>/dev/null & pid=$!
            wait_until 'ksmctl status --json | grep -q "\\"tick\\": [1-9]"'
            ksmctl numa set local; echo "set $?"
            by_hand() { ksmctl numa --json | sed -n 's/^ *"setting": "\\(.*\\)",/\\1/p' | sort -u | xargs; }
            echo "by hand: $(by_hand) $(cat /sys/kernel/mm/ksm/merge_across_nodes)"
            ksmctl status | grep -o 'set by hand'
            ksmctl retune >/dev/null
            echo "later $(cat /sys/kernel/mm/ksm/merge_across_nodes)"
            ksmctl numa set leave; echo "leave $?"
            ksmctl numa set auto >/dev/null; echo "auto $?"
            ksmctl unmerge >/dev/null; echo "unmerge $?"
            ksmctl status --json | sed -n 's/^  "state": "\\(.*\\)",/\\1/p'
            ksmctl start >/dev/null; echo "start $?"
            kill -TERM $pid; wait $pid; echo "ended $?"
            """
        )
        #expect(
            result.output.replacing(/in [0-9.]+ m?s/, with: "in T") == """
                merge_across_nodes is 0 (local); nothing was merged in T.
                ksmd keeps it so until it starts again.
                set 0
                by hand: local 0
                set by hand
                later 0
                merge_across_nodes stays 0 (local).
                ksmd does not touch it until it starts again.
                leave 0
                auto 0
                unmerge 0
                held
                start 0
                ended 0

                """
        )
        #expect(result.errors.isEmpty)
    }

    @Test("While somebody else un-shares the second one fails at once", arguments: ["numa set local", "unmerge"])
    func locked(command: String) throws {
        let sandbox = try Sandbox(Self.nothingMerged)
        let result = try sandbox.run(
            "mkdir -p /run/ksmd; exec 9> /run/ksmd/unmerge.lock; flock 9; ksmctl \(command) 9>&-"
        )
        #expect(result.status == 1)
        #expect(result.errors == "ksmctl: somebody else is un-sharing: /run/ksmd/unmerge.lock is held\n")
        #expect(sandbox.machine.read("run/ksmd/hold") == nil)
    }

    @Test("A signal while a daemon's write is waited for ends the wait, with the sentence")
    func interrupted() throws {
        let sandbox = try Sandbox(Self.nothingMerged)
        let result = try sandbox.run(
            """
            mkdir -p /run/ksmd
            exec 9> /run/ksmd/unmerge.lock; flock -s 9
            ksmctl numa set local 9>&- & command=$!
            wait_until 'grep -q "^SigBlk:.*4003$" /proc/$command/status'
            kill -TERM $command; start=$(date +%s); wait $command; status=$?
            [ $(( $(date +%s) - start )) -lt 10 ] || echo slow
            exit $status
            """
        )
        #expect(result.status == 1)
        #expect(result.output.isEmpty)
        #expect(result.errors == "ksmctl: broken off: interrupted\n")
        #expect(sandbox["merge_across_nodes"] == "1\n")
        #expect(said(sandbox) == nil)
    }
}
