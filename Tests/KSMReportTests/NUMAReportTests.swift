import Foundation
import KSMModel
import KSMReport
import Testing

@Suite("The report about nodes")
struct NUMAReportTests {
    @Test("Two nodes, as text")
    func text() {
        #expect(
            TwoNodes.report.text == """
                Scope        across (equal pages are merged over all nodes); local is wanted
                Why          nodes are 21 apart, and 48.0 GiB would have to be un-shared
                Set          MergeAcrossNodes=auto
                Pressure     node 0 is short: 2.0 GiB are available
                Promised     48.0 GiB if all that is merged were written, 6.0 GiB more than is
                             available; 1201 pages a second are written now, which leaves 2 h 34
                             min
                Remote       43 % ± 2 of merged pages lie away from their guest's home
                Looked       12 s ago into the guests' page maps, with 0.3 s of CPU; merged
                             pages told by kpageflags

                NODE  CPUS     TOTAL      FREE  AVAILABLE  ANONYMOUS     LIMIT  SHORT BY
                0       16  64.0 GiB   1.0 GiB    2.0 GiB   20.0 GiB  13.0 GiB  11.0 GiB
                1       16  64.0 GiB  20.0 GiB   40.0 GiB   20.0 GiB  13.0 GiB         -

                NODE  GUESTS   MERGED  PROMISED  WOULD BE SHORT BY
                0          1  900 MiB  30.0 GiB           28.0 GiB
                1          0  450 MiB  18.0 GiB                  -

                DISTANCE   0   1
                0         10  21
                1         21  10

                GUEST            PID  HOME      RSS   MERGED    REMOTE  NODES
                web1            1234     0  2.0 GiB  1.5 GiB  36 % ± 3  0: 88 %, 1: 11 %, 3: 1 %
                database?[31m  99999     ?  512 MiB        ?         ?  ?

                """
        )
    }

    @Test("No line is longer than 80 columns")
    func width() {
        var report = TwoNodes.report
        report.guests[0].name = String(repeating: "long", count: 40)
        report.warnings = [String(repeating: "word ", count: 60)]
        report.problems = report.warnings
        report.remedy = "Run it as root."
        for line in report.text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(report.text.hasSuffix("Run it as root.\n"))
    }

    @Test("What was set by hand, and what auto would choose instead")
    func byHand() {
        var report = TwoNodes.report
        report.setting = .across
        report.numa.scope?.setByHand = .init(setting: .across, by: "alice", sinceRealtimeSeconds: Fixture.now - 7200)
        let text = report.text.replacing("\n             ", with: " ")
        #expect(
            text.contains("\nSet          across by alice 2 h ago with `ksmctl numa set`, until ksmd starts again\n")
        )
        #expect(text.contains("\nAuto         would choose local: nodes are 21 apart"))
        report.auto?.wanted = nil
        #expect(report.text.contains("\nAuto         would leave the scope as it is: nodes"))
    }

    @Test("A guest's parts, the largest first; more than three are cut")
    func parts() {
        var placement = GuestPlacement(pid: 1, startTicks: 2)
        placement.own = [0: 10, 1: 10, 2: 50, 7: 0]
        placement.merged = [2: 10, 3: 20]
        let guest = NUMAReport.Guest(
            Guest(pid: 1, startTicks: 2, name: "g", rssKiB: 4),
            pageSize: 4096,
            placement: placement,
            home: 2,
            remoteShare: nil
        )
        #expect(guest.parts.map(\.node) == [2, 3, 0, 1])
        #expect(guest.parts.map(\.share) == [0.6, 0.2, 0.1, 0.1])
        var report = TwoNodes.report
        report.guests = [guest]
        #expect(report.text.contains("  2: 60 %, 3: 20 %, 0: 10 %, …\n"))
    }

    @Test("JSON has all, in bytes")
    func json() throws {
        var report = TwoNodes.report
        report.daemonPID = 77
        report.warnings = ["w"]
        report.problems = ["p"]
        let text = TwoNodes.object { report.write(to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["daemon_pid"] as? Int == 77)
        #expect(object["setting"] as? String == "auto")
        #expect((object["auto"] as? [String: Any])?["wanted"] as? String == "local")
        #expect((object["scope"] as? [String: Any])?["reason_code"] as? String == "unmerge-needed")
        #expect((object["exposure"] as? [String: Any])?["short_bytes"] as? Int == 6 << 30)
        #expect((object["nodes"] as? [[String: Any]])?.map { $0["merged_bytes"] as? Int } == [900 << 20, 450 << 20])
        let topology = try #require(object["topology"] as? [[String: Any]])
        #expect(topology[1]["distances"] as? [Int] == [21, 10])
        #expect(topology[1]["cpu_list"] as? [Int] == Array(16..<32))
        #expect(topology.map { $0["guests_at_home"] as? Int } == [1, 0])
        let guests = try #require(object["guests"] as? [[String: Any]])
        #expect(guests[0]["home"] as? Int == 0)
        #expect((guests[0]["remote_share"] as? [String: Any])?["value"] as? Double == 0.357)
        #expect((guests[0]["parts"] as? [[String: Any]])?.first?["share"] as? Double == 0.88)
        #expect(guests[1]["home"] is NSNull)
        #expect(object["warnings"] as? [String] == ["w"])
        #expect(object["unreadable"] as? [String] == ["p"])
    }
}

@Suite("The plan of an un-sharing")
struct UnmergePlanReportTests {
    static let plan = UnmergePlan(
        pages: 393_216,
        needs: [
            .init(place: .host, neededKiB: 1536 << 10, presentKiB: 20 << 20, reserveKiB: 512 << 10),
            .init(place: .node(0), neededKiB: 1536 << 10, presentKiB: 1 << 20, reserveKiB: 256 << 10),
            .init(
                place: .cgroup(path: "/machine.slice/web1.scope", guest: "web1"),
                neededKiB: 100 << 10,
                presentKiB: 100 << 10,
                reserveKiB: 4 << 10
            ),
        ],
        stallMilliseconds: 200,
        totalMilliseconds: 12_400,
        remarks: ["node 2 is out of reach"]
    )

    @Test("As text: places, verdicts and times")
    func text() {
        #expect(
            UnmergePlanReport(Self.plan).text(pageSize: 4096) == """
                Un-shares      393216 pages, 1.5 GiB
                Longest stall  200 ms of one guest's mmap
                Total time     about 12.4 s

                PLACE                               NEEDED   PRESENT  RESERVE
                host                               1.5 GiB  20.0 GiB  512 MiB  ok
                node 0                             1.5 GiB   1.0 GiB  256 MiB  short by 768 MiB
                web1 in /machine.slice/web1.scope  100 MiB   100 MiB  4.0 MiB  short by 4.0 MiB
                - node 2 is out of reach

                """
        )
    }

    @Test("As JSON, in bytes")
    func json() throws {
        let text = TwoNodes.object { json in json.object { UnmergePlanReport(Self.plan).write("plan", to: &$0) } }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let plan = try #require(object?["plan"] as? [String: Any])
        #expect(plan["pages"] as? Int == 393_216)
        #expect(plan["stall_ms"] as? Int == 200)
        #expect(plan["total_ms"] as? Int == 12_400)
        let needs = try #require(plan["needs"] as? [[String: Any]])
        #expect(needs.map { $0["place"] as? String } == ["host", "node", "cgroup"])
        #expect(needs.map { $0["is_met"] as? Bool } == [true, false, false])
        #expect(needs[1]["node"] as? Int == 0)
        #expect(needs[2]["guest"] as? String == "web1")
        #expect(needs[0]["needed_bytes"] as? Int == 1536 << 20)
    }

    @Test("Hostile numbers do not trap")
    func extremes() {
        let need = UnmergePlan.Need(place: .host, neededKiB: .max, presentKiB: 0, reserveKiB: .max)
        let plan = UnmergePlan(pages: .max, needs: [need], stallMilliseconds: .max, totalMilliseconds: .max)
        #expect(!UnmergePlanReport(plan).text(pageSize: 4096).isEmpty)
    }
}

@Suite("The progress of an un-sharing")
struct ProgressLineTests {
    @Test(
        "One line, a column short of the terminal",
        arguments: [
            (UInt64(1), UInt64(4), 80, "copying    [######------------------]   25 %  web1  12 s left"),
            (4, 4, 80, "copying    [########################]  100 %  web1  12 s left"),
            (9, 4, 80, "copying    [########################]  100 %  web1  12 s left"),
            (0, 0, 80, "copying    web1  12 s left"), (1, 4, 20, "copying    [######…"), (1, 4, 0, "…"),
        ]
    )
    func line(done: UInt64, total: UInt64, width: Int, expected: String) {
        let text = ProgressLine.text(
            stage: "copying",
            done: done,
            total: total,
            guest: "web1",
            remainingMilliseconds: 11_001,
            width: width
        )
        #expect(text == expected)
    }

    @Test("A guest's name cannot move the cursor")
    func plain() {
        let text = ProgressLine.text(
            stage: "copying",
            done: 0,
            total: 0,
            guest: "a\u{1b}[2J",
            remainingMilliseconds: .max,
            width: 80
        )
        #expect(text.hasPrefix("copying    a?[2J  "))
    }
}

@Suite("Measured latencies")
struct LatencyReportTests {
    static let report = LatencyReport(
        topology: TwoNodes.topology,
        latencies: [
            AccessLatency(cpuNode: 0, memoryNode: 0, nanoseconds: 95.24),
            AccessLatency(cpuNode: 0, memoryNode: 1, nanoseconds: 153.4),
            AccessLatency(cpuNode: 1, memoryNode: 0, nanoseconds: nil),
        ],
        bytes: [0: 64 << 20, 1: 64 << 20],
        problems: ["Failed to run on a CPU of node 1"]
    )

    @Test("Beside the firmware's distances, as text")
    func text() {
        #expect(
            Self.report.text == """
                CPU ON NODE  MEMORY ON NODE  NS PER ACCESS  MEASURED  FIRMWARE
                0                         0           95.2      1.00      1.00
                0                         1          153.4      1.61      2.10
                1                         0              ?         ?      2.10
                - Failed to run on a CPU of node 1
                MEASURED and FIRMWARE are multiples of the node's own memory. The memory that
                was read is this program's: a merged page costs what any page on that node
                costs.

                """
        )
    }

    @Test("As JSON")
    func json() throws {
        let text = TwoNodes.object { Self.report.write(to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let latencies = try #require(object["latencies"] as? [[String: Any]])
        #expect(latencies[1]["nanoseconds"] as? Double == 153.4)
        #expect(latencies[1]["ratio"] as? Double == 1.6107)
        #expect(latencies[1]["distance"] as? Int == 21)
        #expect(latencies[1]["read_bytes"] as? Int == 64 << 20)
        #expect(latencies[2]["nanoseconds"] is NSNull)
        #expect((object["unreadable"] as? [String])?.count == 1)
    }
}
