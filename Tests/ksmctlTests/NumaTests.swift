import Foundation
import Testing

/// Two nodes at distance 21, merged over both, one guest; and what a daemon said about it.
enum RecordedNodes {
    static let files: [String: String] = {
        var files = RecordedMachine.files
        let node = "sys/devices/system/node"
        for list in ["online", "has_memory", "possible"] { files["\(node)/\(list)"] = "0-1\n" }
        files["\(node)/has_cpu"] = "0-1\n"
        files["sys/devices/system/cpu/online"] = "0-3\n"
        for (number, cpus, distance) in [(0, "0-1", "10 21"), (1, "2-3", "21 10")] {
            files["\(node)/node\(number)/cpulist"] = cpus + "\n"
            files["\(node)/node\(number)/distance"] = distance + "\n"
            files["\(node)/node\(number)/meminfo"] = """
                Node \(number) MemTotal:        8388608 kB
                Node \(number) MemFree:         2097152 kB
                Node \(number) FilePages:        102400 kB
                Node \(number) AnonPages:       4194304 kB

                """
        }
        return files
    }()

    static let stateFile = """
        {"version":1,"pid":77,"state":"scanning","numa":{"scope":{"current":"across","wanted":"local","action":"keep",
        "reason_code":"scope-merged","reason":"the change needs 3.5 MiB","set_by_hand":{"setting":"local","by":"alice",
        "since_realtime":1699999880,"news":1}},"exposure":{"promised_bytes":3686400,"available_bytes":5120000000,
        "breaks_per_second":12.5,"seconds_until_short":7200},"remote_share":{"value":0.43,"error":0.02},
        "survey":{"taken_realtime":1699999940,"cpu_seconds":0.25,"signal":"magic"},
        "activation":{"node":1,"short_bytes":5,"sentence":"node 1 is short"},
        "nodes":[{"node":0,"cpus":2,"total_bytes":1,"merged_bytes":1048576},{"cpus":1},
        {"node":1,"merged_bytes":2097152,"promised_bytes":"many","short_bytes":5,"has_guests":true}]},"guests":[]}
        """
}

@Suite("Nodes of a recorded machine")
struct RecordedNodesTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("Without a daemon: the figures, and what ksmd would choose")
    func alone() throws {
        let machine = try TemporaryDirectory(RecordedNodes.files)
        let result = try Tool.run(["numa", "--root", machine.path])
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)
        let text = result.output.replacing("\n             ", with: " ")
        #expect(text.hasPrefix("Scope        across (equal pages are merged over all nodes); local is wanted\n"))
        #expect(text.contains("nodes are up to 21 apart, more than 12"))
        #expect(text.contains("Set          MergeAcrossNodes=auto\n"))
        #expect(text.contains("\nDISTANCE   0   1\n0         10  21\n1         21  10\n"))
        #expect(text.contains("\nweb1   1234     ?  2.0 GiB  3.9 MiB       ?  ?\n"))
        let json = try object(try Tool.run(["numa", "show", "--json", "--root", machine.path]).output)
        #expect((json["auto"] as? [String: Any])?["wanted"] as? String == "local")
        #expect((json["nodes"] as? [[String: Any]])?.map { $0["cpus"] as? Int } == [2, 2])
        #expect((json["nodes"] as? [[String: Any]])?[1]["anon_bytes"] as? Int == 4_294_967_296)
        #expect(json["remote_share"] is NSNull)
        #expect(json["daemon_pid"] is NSNull)
    }

    @Test("With a report of the daemon: its decision, and what only it knows")
    func withDaemon() throws {
        let machine = try TemporaryDirectory(
            RecordedNodes.files.merging(["run/ksmd/state.json": RecordedNodes.stateFile]) { $1 }
        )
        let text = try Tool.run(["numa", "--root", machine.path]).output.replacing("\n             ", with: " ")
        #expect(
            text.hasPrefix(
                "Scope        across (equal pages are merged over all nodes); local is wanted, but not set now"
            )
        )
        #expect(text.contains("\nWhy          the change needs 3.5 MiB\n"))
        #expect(
            text.contains("\nSet          local by alice 2 min ago with `ksmctl numa set`, until ksmd starts again\n")
        )
        #expect(text.contains("13 pages a second are written now, which leaves 2 h\n"))
        #expect(text.contains("\nRemote       43 % ± 2 of merged pages lie away from their guest's home\n"))
        let json = try object(try Tool.run(["numa", "--json", "--root", machine.path]).output)
        #expect((json["scope"] as? [String: Any])?["reason_code"] as? String == "scope-merged")
        #expect((json["survey"] as? [String: Any])?["signal"] is NSNull)
        #expect((json["survey"] as? [String: Any])?["cpu_seconds"] as? Double == 0.25)
        #expect((json["nodes"] as? [[String: Any]])?.map { $0["merged_bytes"] as? Int } == [1_048_576, 2_097_152])
        #expect((json["nodes"] as? [[String: Any]])?[0]["total_bytes"] as? Int == 8_589_934_592)
    }

    @Test("The status has the scope and the worst node, by the daemon's report")
    func status() throws {
        let machine = try TemporaryDirectory(
            RecordedNodes.files.merging(["run/ksmd/state.json": RecordedNodes.stateFile]) { $1 }
        )
        let text = try Tool.run(["status", "--root", machine.path]).output.replacing("\n             ", with: " ")
        #expect(text.contains("local is wanted, but not set now; set by hand; node 1 is short by 5 B\n"))
        #expect(text.contains("\nPromised     3.5 MiB if all that is merged were written, of 4.8 GiB available; 13"))
        let json = try object(try Tool.run(["status", "--json", "--root", machine.path]).output)
        let numa = try #require(json["numa"] as? [String: Any])
        #expect((numa["activation"] as? [String: Any])?["node"] as? Int == 1)
        #expect((numa["nodes"] as? [[String: Any]])?.count == 2)
    }

    @Test(
        "A `numa` that makes no sense is left aside",
        arguments: ["[]", "5", "{\"nodes\":7,\"scope\":[],\"exposure\":{\"promised_bytes\":-1}}"]
    )
    func nonsense(numa: String) throws {
        let machine = try TemporaryDirectory(
            RecordedNodes.files.merging(["run/ksmd/state.json": "{\"version\":1,\"pid\":7,\"numa\":\(numa)}"]) { $1 }
        )
        let result = try Tool.run(["numa", "--root", machine.path])
        #expect(result.status == 0)
        #expect(result.output.contains("\nNODE"))
    }

    @Test("Every recorded machine has its nodes shown")
    func machines() throws {
        let machines = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Machines")
        for name in try FileManager.default.contentsOfDirectory(atPath: machines.path) {
            let result = try Tool.run(["numa", "--root", machines.appending(path: name).path])
            #expect(result.status == 0, "\(name)")
            for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(name): \(line)") }
        }
    }
}

@Suite("Nodes of the running machine", .enabled(if: Tool.hasKSM, "this kernel has no KSM"))
struct LiveNodesTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("A guest is found, with the node where it lives", .enabled(if: Tool.isRoot, "needs root"))
    func guest() throws {
        let fake = try FakeGuest(name: "ksmctl-numa")
        let json = try object(try Tool.run(["numa", "--json"]).output)
        let guests = try #require(json["guests"] as? [[String: Any]])
        let found = try #require(guests.first { $0["pid"] as? Int32 == fake.pid })
        #expect(found["home"] is Int)
        let parts = try #require(found["parts"] as? [[String: Any]])
        let sum = parts.reduce(0.0) { $0 + (($1["share"] as? Double) ?? 0) }
        #expect(abs(sum - 1) < 0.01)
    }

    @Test(
        "Any user sees the nodes, and is told what is missing",
        .enabled(if: Tool.canBeNobody, "nobody cannot run ksmctl here")
    )
    func nobody() throws {
        let fake = try FakeGuest(name: "ksmctl-nobody-numa")
        let result = try Tool.run(["numa"], prefix: Tool.nobody)
        #expect(result.status == 0)
        #expect(result.output.contains("ksmctl-n"))
        #expect(result.output.contains("Run `ksmctl numa` as root to see what is missing."))
        withExtendedLifetime(fake) {}
    }

    @Test("Measuring takes at most ten seconds and gives plausible times for every pair of nodes")
    func measure() throws {
        let start = Date()
        let json = try object(try Tool.run(["numa", "--measure", "--json"]).output)
        #expect(Date().timeIntervalSince(start) < 10)
        let nodes = try object(try Tool.run(["numa", "--json"]).output)
        let topology = try #require(nodes["topology"] as? [[String: Any]])
        let readers = topology.count { ($0["cpu_list"] as? [Int])?.isEmpty == false }
        let memories = topology.count { $0["has_memory"] as? Bool == true }
        let latencies = try #require(json["latencies"] as? [[String: Any]])
        #expect(latencies.count == readers * memories)
        for latency in latencies {
            let time = try #require(latency["nanoseconds"] as? Double)
            // A cache takes 1 ns, an emulated machine microseconds.
            #expect((1...100_000).contains(time))
            #expect((latency["read_bytes"] as? Int).map { $0 >= 1 << 20 } == true)
        }
        #expect(latencies.contains { $0["ratio"] as? Double == 1 })
    }
}
