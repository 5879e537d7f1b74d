import Foundation
import KSMModel
import KSMReport
import Testing

@Suite("Nodes in the state file")
struct StateNUMATests {
    @Test("Every member, with its unit")
    func text() {
        let numa = TwoNodes.object { json in json.object { TwoNodes.numa.write("numa", to: &$0) } }
        #expect(
            numa == #"{"numa":{"scope":{"current":"across","wanted":"local","action":"keep","#
                + #""reason_code":"unmerge-needed","reason":"nodes are 21 apart, and 48.0 GiB would have to be un-shared","#
                + #""set_by_hand":null},"exposure":{"promised_bytes":51539607552,"available_bytes":45097156608,"#
                + #""short_bytes":6442450944,"breaks_per_second":1200.5,"seconds_until_short":9240},"#
                + #""remote_share":{"value":0.4312,"error":0.021},"survey":{"taken_realtime":1700000828,"#
                + #""cpu_seconds":0.310,"signal":"kpageflags"},"activation":{"node":0,"short_bytes":11811160064,"#
                + #""sentence":"node 0 is short: 2.0 GiB are available"},"nodes":[{"node":0,"cpus":16,"#
                + #""total_bytes":68719476736,"free_bytes":1073741824,"available_bytes":2147483648,"#
                + #""anon_bytes":21474836480,"threshold_bytes":13958643712,"short_bytes":11811160064,"has_guests":true,"#
                + #""promised_bytes":32212254720,"exposure_short_bytes":30064771072,"merged_bytes":943718400},"#
                + #"{"node":1,"cpus":16,"total_bytes":68719476736,"free_bytes":21474836480,"#
                + #""available_bytes":42949672960,"anon_bytes":21474836480,"threshold_bytes":13958643712,"#
                + #""short_bytes":0,"has_guests":false,"promised_bytes":19327352832,"exposure_short_bytes":0,"#
                + #""merged_bytes":471859200}]}}"#
        )
    }

    @Test("What is not known is null, and the state file has `numa` before the guests")
    func unknown() throws {
        var state = Fixture.state
        state.numa = StateReport.NUMA(nodes: [.init(node: 3, cpus: 0)])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(state.json.utf8)) as? [String: Any])
        let numa = try #require(object["numa"] as? [String: Any])
        for name in ["scope", "exposure", "remote_share", "survey", "activation"] { #expect(numa[name] is NSNull) }
        let node = try #require((numa["nodes"] as? [[String: Any]])?.first)
        for name in ["available_bytes", "threshold_bytes", "promised_bytes", "merged_bytes"] {
            #expect(node[name] is NSNull)
        }
        #expect(node["node"] as? Int == 3)
        #expect(state.json.contains(#""found":{"run":"0","pages_to_scan":"100"},"events":[],"numa":{"#))
    }

    @Test("With one node all that is merged lies there; with two nobody knows without a look")
    func merged() {
        var sample = TwoNodes.sample
        #expect(StateReport.NUMA(sample, pressure: [], exposure: nil).nodes.map(\.mergedBytes) == [nil, nil])
        sample.topology.nodes.removeLast()
        sample.nodes.removeLast()
        let one = StateReport.NUMA(sample, pressure: [], exposure: nil).nodes
        #expect(one.map(\.mergedBytes) == [(1024 + 393_216) * 4096])
        let looked = StateReport.NUMA(TwoNodes.sample, pressure: [], exposure: nil, merged: [(1, 8)])
        #expect(looked.nodes.map(\.mergedBytes) == [0, 8192])
    }

    @Test("Nodes without memory, without CPUs, and with holes in the numbering are all there")
    func oddNodes() {
        var sample = TwoNodes.sample
        sample.topology.nodes[0].hasMemory = false
        sample.topology.nodes.append(Node(number: 5, hasMemory: true, cpus: []))
        sample.nodes = [NodeMemory(node: 1, totalKiB: 8, freeKiB: 4), NodeMemory(node: 5, totalKiB: 16, freeKiB: 2)]
        let nodes = StateReport.NUMA(sample, pressure: [], exposure: nil).nodes
        #expect(nodes.map(\.node) == [0, 1, 5])
        #expect(nodes.map(\.cpus) == [16, 16, 0])
        #expect(nodes.map(\.totalBytes) == [0, 8192, 16_384])
        #expect(nodes[2].availableBytes == nil)
    }

    @Test("Hostile numbers do not trap and are JSON")
    func extremes() throws {
        var sample = TwoNodes.sample
        sample.monotonicNanoseconds = 0
        sample.nodes[0].totalKiB = .max
        sample.nodes[0].availableKiB = .max
        sample.ksm[.pages_shared] = .unsigned(.max)
        var exposure = TwoNodes.exposure
        exposure.host.promisedKiB = .max
        exposure.breaksPerSecond = .infinity
        exposure.secondsUntilShort = .max
        var numa = StateReport.NUMA(sample, pressure: [], exposure: exposure, nowRealtimeSeconds: 0)
        numa.remoteShare = Share(value: .nan, error: 1e300)
        var report = NUMAReport(topology: sample.topology, numa: numa, setting: .auto)
        report.nowRealtimeSeconds = 0
        #expect(!report.text.isEmpty)
        let text = TwoNodes.object { report.write(to: &$0) }
        #expect((try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil)
    }

    @Test(
        "Decimals are JSON whatever they are",
        arguments: [
            (0.43125, "0.4313"), (1200.5, "1200.5"), (-0.00001, "-0.0"), (1e300, "1e+300"), (.nan, "null"),
            (.infinity, "null"), (nil, "null"),
        ] as [(Double?, String)]
    )
    func decimals(value: Double?, expected: String) {
        #expect(TwoNodes.object { $0.object { $0.member("x", decimal: value) } } == "{\"x\":\(expected)}")
    }
}

@Suite("Nodes in the status")
struct StatusNUMATests {
    private func report(_ numa: StateReport.NUMA?, _ daemon: StatusReport.Daemon = .running(pid: 77)) -> StatusReport {
        var state = Fixture.state
        state.numa = numa
        var report = StatusReport(sample: TwoNodes.sample, daemon: daemon, stateFile: state)
        report.nowRealtimeSeconds = Fixture.now
        return report
    }

    private func lines(_ report: StatusReport) -> String { report.text.replacing("\n             ", with: " ") }

    @Test("One line for the scope and the worst node, one for the exposure")
    func exposed() {
        let text = lines(report(TwoNodes.numa))
        #expect(
            text.contains(
                "\nScope        across (equal pages are merged over all nodes); local is wanted, but not set now; node 0 "
                    + "is short by 11.0 GiB\n"
            )
        )
        #expect(
            text.contains(
                "\nPromised     48.0 GiB if all that is merged were written, 6.0 GiB more than is available; 1201 pages "
                    + "a second are written now, which leaves 2 h 34 min\n"
            )
        )
    }

    @Test("A node that would be short is named even where the host would not be")
    func oneNode() {
        var numa = TwoNodes.numa
        numa.exposure = .init(promisedBytes: 10, availableBytes: 20)
        #expect(lines(report(numa)).contains("\nPromised     28.0 GiB more than node 0 has available, if all"))
        for index in numa.nodes.indices { numa.nodes[index].exposureShortBytes = 0 }
        #expect(!report(numa).text.contains("Promised"))
    }

    @Test("Set by hand is said")
    func byHand() {
        var numa = TwoNodes.numa
        numa.scope?.wanted = .across
        numa.scope?.setByHand = .init(setting: .across, by: "alice", sinceRealtimeSeconds: nil)
        #expect(lines(report(numa)).contains("over all nodes); set by hand; node 0 is short"))
    }

    @Test("Without a daemon the attribute and the fullest node are shown")
    func withoutDaemon() throws {
        let report = report(TwoNodes.numa, .notRunning)
        #expect(lines(report).contains("over all nodes); node 0 has 2.0 GiB of 64.0 GiB available\n"))
        #expect(!report.text.contains("Promised"))
        let object = try JSONSerialization.jsonObject(
            with: Data(TwoNodes.object { report.write(to: &$0) }.utf8)
        )
        let numa = try #require((object as? [String: Any])?["numa"] as? [String: Any])
        #expect((numa["scope"] as? [String: Any])?["current"] as? String == "across")
        #expect((numa["nodes"] as? [Any])?.count == 2)
    }
}
