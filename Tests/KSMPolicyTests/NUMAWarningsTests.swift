import KSMModel
import KSMPolicy
import Testing

@Suite("NUMAWarnings: each only with its evidence")
struct NUMAWarningsTests {
    /// Two nodes, two guests at home on each, merged over all nodes and running.
    private func machine(at seconds: UInt64 = 0, nodes: Int = 2) -> Sample {
        var sample = Sample(available: Array(repeating: 8 * GiB, count: nodes), at: seconds)
        sample.merge(shared: 10_000, sharing: 90_000)
        sample.guests = [Guest(1, rssKiB: GiB, merging: 50_000), Guest(2, rssKiB: GiB, merging: 50_000)]
        sample.survey = Survey([
            GuestPlacement(1, own: [0: 1000], merged: [0: 500], step: 100),
            GuestPlacement(2, own: [1: 1000], merged: [1: 500], step: 100),
        ])
        sample.events.cow_ksm = 0
        return sample
    }

    private func codes(
        _ sample: Sample,
        _ facts: KernelFacts = KernelFacts(),
        earlier: NUMAWarnings.Earlier? = nil
    ) -> [String] {
        NUMAWarnings.all(sample, facts, homes: Homes(sample), earlier: earlier).map(\.code)
    }

    private func kernel(_ major: UInt64, _ minor: UInt64, balancing: UInt64? = 1) -> KernelFacts {
        var facts = KernelFacts()
        (facts.kernelMajor, facts.kernelMinor, facts.numaBalancing) = (major, minor, balancing)
        return facts
    }

    @Test("A machine without trouble hears nothing")
    func quiet() {
        #expect(codes(machine(), kernel(6, 18)).isEmpty)
        let earlier = NUMAWarnings.Earlier(machine(), kernel(6, 18), homes: Homes(machine()))
        #expect(codes(machine(at: 300), kernel(6, 18), earlier: earlier).isEmpty)
    }

    @Test(
        "NUMA balancing with KSM: kernels 6.2 to 6.7 only",
        arguments: [
            (5 as UInt64, 19 as UInt64, false), (6, 1, false), (6, 2, true), (6, 5, true), (6, 7, true), (6, 8, false),
            (7, 3, false),
        ]
    )
    func balancing(_ major: UInt64, _ minor: UInt64, _ isKnown: Bool) {
        #expect(codes(machine(), kernel(major, minor)) == (isKnown ? ["numa-balancing"] : []))
        #expect(codes(machine(), kernel(major, minor, balancing: 0)).isEmpty)
        #expect(codes(machine(), kernel(major, minor, balancing: nil)).isEmpty)
        #expect(codes(machine(nodes: 1), kernel(major, minor)).isEmpty)
        var idle = machine()
        idle.merge(shared: 0, sharing: 0)
        #expect(codes(idle, kernel(major, minor)).isEmpty == !isKnown)
        idle.ksm[.run] = .unsigned(0)
        #expect(codes(idle, kernel(major, minor)).isEmpty)
    }

    @Test("Balancing is told with the kernel, the mode and the nodes")
    func balancingSentence() throws {
        let reason = try #require(NUMAWarnings.all(machine(), kernel(6, 5), homes: Homes(machine())).first)
        #expect(reason.sentence.hasPrefix("kernel 6.5 with kernel.numa_balancing=1 and KSM on 2 nodes"))
        #expect(reason["KERNEL"] == "6.5")
    }

    @Test("numad: while pages are merged over all nodes, with its pid")
    func numad() throws {
        var facts = KernelFacts()
        #expect(codes(machine(), facts).isEmpty)
        facts.numadPID = 812
        #expect(codes(machine(), facts) == ["numad"])
        #expect(NUMAWarnings.all(machine(), facts, homes: Homes(machine()))[0].sentence.hasPrefix("numad (pid 812)"))
        var local = machine()
        local.scope = .local
        #expect(codes(local, facts).isEmpty)
        var empty = machine()
        empty.merge(shared: 0, sharing: 0)
        #expect(codes(empty, facts).isEmpty)
        #expect(codes(machine(nodes: 1), facts).isEmpty)
    }

    @Test("Remote share: above 30 % also with its error against it, in scope across")
    func remote() {
        func machine(_ remote: UInt64, of samples: UInt64) -> Sample {
            var sample = self.machine()
            for index in 0...1 {
                sample.survey?.guests[index].merged = [index: samples - remote, 1 - index: remote]
                sample.survey?.guests[index].step = 1e6
            }
            return sample
        }
        #expect(codes(machine(29_000, of: 100_000)).isEmpty)
        #expect(codes(machine(32_000, of: 100_000)) == ["remote-share"])
        #expect(codes(machine(32, of: 100)).isEmpty)
        var local = machine(90_000, of: 100_000)
        #expect(codes(local) == ["remote-share"])
        local.scope = .local
        #expect(codes(local).isEmpty)
        let reason = NUMAWarnings.all(
            machine(40_000, of: 100_000),
            KernelFacts(),
            homes: Homes(machine(40_000, of: 100_000))
        )
        #expect(reason.first?["REMOTE_PERCENT"] == "40.0")
        #expect(reason.first?.sentence.hasPrefix("40.0 % (± 0.2 points)") == true)
    }

    // MARK: khugepaged

    private func collapsed(_ count: UInt64?) -> KernelFacts {
        var facts = KernelFacts()
        facts.khugepagedCollapsed = count
        facts.thpEnabled = "always"
        return facts
    }

    private func later(_ change: (inout Sample) -> Void = { _ in }) -> Sample {
        var sample = machine(at: 600)
        sample.merge(shared: 10_000, sharing: 60_000)
        change(&sample)
        return sample
    }

    private func earlier(_ count: UInt64? = 5) -> NUMAWarnings.Earlier {
        NUMAWarnings.Earlier(machine(), collapsed(count), homes: Homes(machine()))
    }

    @Test("khugepaged: it has made huge pages, and merged pages have gone that nobody wrote")
    func khugepaged() throws {
        let found = NUMAWarnings.all(later(), collapsed(205), homes: Homes(later()), earlier: earlier())
        #expect(found.map(\.code) == ["khugepaged"])
        #expect(
            found[0].sentence.hasPrefix(
                "khugepaged (transparent_hugepage=always) has made 200 huge pages within 10 min, and 117 MiB that were merged"
            )
        )
        #expect(found[0]["COLLAPSED"] == "200" && found[0]["LOST_KIB"] == "120000")
        // On one node too: it is no matter of nodes.
        #expect(codes(later { $0.nodes.removeLast() }, collapsed(205), earlier: earlier()) == ["khugepaged"])
    }

    @Test("Not khugepaged: no collapse, no fall, guests that write or end, too few collapses, a scanner that stands")
    func notKhugepaged() {
        #expect(codes(later(), collapsed(205)).isEmpty)
        #expect(codes(later(), collapsed(5), earlier: earlier()).isEmpty)
        #expect(codes(later(), collapsed(nil), earlier: earlier()).isEmpty)
        #expect(codes(later(), collapsed(205), earlier: earlier(nil)).isEmpty)
        #expect(codes(later { $0.merge(shared: 10_000, sharing: 90_000) }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.merge(shared: 10_000, sharing: 89_100) }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.events.cow_ksm = 29_500 }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.events.cow_ksm = nil }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.guests.removeLast() }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.guests[1].startTicks = 9 }, collapsed(205), earlier: earlier()).isEmpty)
        #expect(codes(later { $0.ksm[.run] = .unsigned(0) }, collapsed(205), earlier: earlier()).isEmpty)
        // 58 collapses can have undone 14,848 pages: less than half of 30,000.
        #expect(codes(later(), collapsed(63), earlier: earlier()).isEmpty)
        #expect(codes(later(), collapsed(64), earlier: earlier()) == ["khugepaged"])
    }

    // MARK: Copies

    /// The machine of kernel-level trials: 16,384 kept pages with one other user each, chains 8,190, copies 16,380.
    private func scattered(_ change: (inout Sample) -> Void = { _ in }) -> Sample {
        var sample = machine(at: 600)
        sample.merge(shared: 16_384, sharing: 16_384)
        sample.ksm[.stable_node_chains] = .unsigned(8190)
        sample.ksm[.stable_node_dups] = .unsigned(16_380)
        sample.ksm[.max_page_sharing] = .unsigned(256)
        change(&sample)
        return sample
    }

    @Test("Copies after guests moved: priced by what one of each content leaves over, with the way out")
    func scatteredCopies() throws {
        let found = NUMAWarnings.all(scattered(), KernelFacts(), homes: Homes(scattered()))
        #expect(found.map(\.code) == ["scattered-copies"])
        #expect(found[0]["RECLAIMABLE_KIB"] == "32760" && found[0]["NEEDED_KIB"] == "65536")
        #expect(
            found[0].sentence.contains(
                "`ksmctl unmerge` and then `ksmctl start` give about 32 MiB back, and need 64 MiB"
            )
        )
        #expect(!found[0].sentence.contains("moved since"))
    }

    @Test("The guests that have moved since are named")
    func moved() throws {
        let before = NUMAWarnings.Earlier(machine(), KernelFacts(), homes: Homes(machine()))
        let after = scattered { $0.survey?.guests[0].own = [1: 1000] }
        let found = NUMAWarnings.all(after, KernelFacts(), homes: Homes(after), earlier: before)
        #expect(found.first { $0.code == "scattered-copies" }?.sentence.contains("; moved since: vm1:") == true)
        let same = NUMAWarnings.all(scattered(), KernelFacts(), homes: Homes(scattered()), earlier: before)
        #expect(same.first?.sentence.contains("moved since") == false)
    }

    @Test("Not scattered: full copies of popular contents, few copies, a kernel that does not tell, one node")
    func notScattered() {
        // Copies because of max_page_sharing have at least half as many users each.
        #expect(codes(scattered { $0.merge(shared: 16_384, sharing: 16_380 * 128) }).isEmpty)
        #expect(codes(scattered { $0.ksm[.max_page_sharing] = .unsigned(2) }).isEmpty)
        #expect(codes(scattered { $0.merge(shared: 100_000, sharing: 100_000) }).isEmpty)
        #expect(codes(scattered { $0.ksm[.stable_node_dups] = nil }).isEmpty)
        #expect(codes(scattered { $0.ksm[.stable_node_dups] = .unsigned(8190) }).isEmpty)
        #expect(codes(scattered { $0.nodes.removeLast() }).isEmpty)
        #expect(codes(scattered { $0.ksm[.max_page_sharing] = nil }) == ["scattered-copies"])
    }

    @Test("Whatever the figures: no trap")
    func extremes() {
        for sample in Sample.extremes {
            for value in edges {
                var facts = kernel(value, value, balancing: value)
                facts.khugepagedCollapsed = value
                facts.numadPID = .max
                let earlier = NUMAWarnings.Earlier(sample, collapsed(value / 2), homes: Homes(sample))
                for var later in [sample, Sample(everything: value, step: 1)] {
                    later.ksm[.run] = .unsigned(1)
                    let found = NUMAWarnings.all(later, facts, homes: Homes(later), earlier: earlier)
                    #expect(found.allSatisfy { !$0.sentence.isEmpty })
                }
            }
        }
    }
}
