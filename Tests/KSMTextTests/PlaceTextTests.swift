import KSMModel
import KSMText
import Testing

@Suite("Files of nodes, cgroups and cpusets")
struct PlaceTextTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "Distances of a node",
        arguments: [("10\n", [10]), ("10 21\n", [10, 21]), ("10  255 11", [10, 255, 11]), ("\n", []), ("", [])]
    )
    func distances(_ text: String, _ expected: [Int]) throws {
        #expect(try NodeDistances.parse(bytes(text).span) == expected)
    }

    @Test(
        "Broken distances are errors",
        arguments: ["10 x\n", "-10\n", "10 256\n", "10,20\n", "99999999999999999999\n"]
    )
    func brokenDistances(_ text: String) {
        #expect(throws: TextError.self) { try NodeDistances.parse(bytes(text).span) }
    }

    @Test("A list of CPUs can be longer than one of nodes, and ends at what kernels can have")
    func cpus() throws {
        let text = bytes("0-1,1022-1025,8190-9999\n")
        #expect(try NodeList.parse(text.span, below: NodeList.cpuLimit) == [0, 1, 1022, 1023, 1024, 1025, 8190, 8191])
        #expect(try NodeList.parse(text.span) == [0, 1, 1022, 1023])
    }

    @Test("A node's memory that can be given back: file cache and slabs, which older kernels call otherwise")
    func reclaimable() {
        let cache =
            "Node 0 MemTotal: 900 kB\nNode 0 MemFree: 100 kB\nNode 0 Active: 7 kB\nNode 0 Active(anon): 9 kB\n"
            + "Node 0 Active(file): 10 kB\nNode 0 Inactive(file): 20 kB\nNode 0 SReclaimable: 5 kB\n"
        #expect(NodeMemory.parse(bytes(cache).span, node: 0)?.reclaimableKiB == 35)
        let newer = cache + "Node 0 KReclaimable: 8 kB\n"
        #expect(NodeMemory.parse(bytes(newer).span, node: 0)?.reclaimableKiB == 38)
        let without = cache.replacing("Inactive(file)", with: "Inactive(fil)")
        #expect(NodeMemory.parse(bytes(without).span, node: 0)?.reclaimableKiB == nil)
    }

    @Test(
        "In which cgroup a process' memory is counted",
        arguments: [
            ("0::/\n", CgroupMembership(unified: "/")),
            ("0::/a/b:c:d\n", CgroupMembership(unified: "/a/b:c:d")),
            ("0::/a (deleted)\n", CgroupMembership(unified: "/a (deleted)")),
            ("4:memory:/m\n0::/u\n", CgroupMembership(unified: "/u", memory: "/m")),
            ("9:cpu,memory,pids:/m\n", CgroupMembership(memory: "/m")),
            ("1:name=memory:/x\n2:hugetlb,memory2:/y\n", CgroupMembership()),
            ("0:cpu:/x\n0::x\n0:\n0\n::/y\n\n", CgroupMembership()), ("", CgroupMembership()),
        ]
    )
    func cgroup(_ text: String, _ expected: CgroupMembership) {
        #expect(CgroupMembership.parse(bytes(text).span) == expected)
    }

    @Test(
        "Limits: max, and 2^62 bytes and more, are none",
        arguments: [
            ("max\n", nil), ("0\n", 0), ("4096\n", 4096), ("4611686018427387903\n", 4_611_686_018_427_387_903),
            ("4611686018427387904\n", nil), ("9223372036854771712\n", nil),
        ] as [(String, UInt64?)]
    )
    func limit(_ text: String, _ expected: UInt64?) throws {
        #expect(try CgroupNumber.limit(bytes(text).span) == expected)
    }

    @Test("Broken limits are errors, never none", arguments: ["", "\n", "maximum\n", "-1\n", "4k\n"])
    func brokenLimit(_ text: String) {
        #expect(throws: TextError.self) { try CgroupNumber.limit(bytes(text).span) }
        #expect(throws: TextError.self) { try CgroupNumber.bytes(bytes(text).span) }
    }

    @Test("Where a process may run and take memory from")
    func allowed() {
        let text =
            "Cpus_allowed:\tff\nCpus_allowed_list:\t0-2,7\nMems_allowed:\t00000000,00000005\nMems_allowed_list:\t0,2\n"
        let places = AllowedPlaces.parse(bytes(text).span)
        #expect(places == AllowedPlaces(nodes: [0, 2], cpus: [0, 1, 2, 7]))
        #expect(places.allows(node: 2) && !places.allows(node: 1))
        // A kernel without cpusets has no such line: every node is within reach.
        let none = AllowedPlaces.parse(bytes("Cpus_allowed_list:\tx\nMems_allowed_list:\t\n").span)
        #expect(none == AllowedPlaces())
        #expect(none.allows(node: 5))
    }

    @Test(
        "Versions of kernels",
        arguments: [
            ("6.18.44-amd64\n", 6, 18), ("5.4.0", 5, 4), ("6.12.48+deb13-amd64\n", 6, 12), ("7.3-rc1\n", 7, 3),
        ] as [(String, UInt64, UInt64)]
    )
    func release(_ text: String, _ major: UInt64, _ minor: UInt64) {
        var facts = KernelFacts()
        facts.takeRelease(bytes(text).span)
        #expect(facts.kernelMajor == major && facts.kernelMinor == minor)
        #expect(facts.isAtLeast(major, minor) == true)
        #expect(facts.isAtLeast(major, minor + 1) == false)
        #expect(facts.isAtLeast(major - 1, 99) == true)
        #expect(facts.isAtLeast(major + 1, 0) == false)
    }

    @Test("What is no version is none", arguments: ["", "6\n", "6.\n", "v6.1\n", ".6\n", "99999999999999999999.1\n"])
    func noRelease(_ text: String) {
        var facts = KernelFacts()
        facts.takeRelease(bytes(text).span)
        #expect(facts == KernelFacts() && facts.isAtLeast(5, 4) == nil)
    }
}

@Suite("What a node could still give")
struct NodeAvailabilityTests {
    private func available(_ nodes: [(free: UInt64, reclaimable: UInt64?)], host: UInt64?) -> [UInt64?] {
        var list = nodes.enumerated().map { index, node in
            var memory = NodeMemory(node: index, totalKiB: 1 << 40, freeKiB: node.free)
            memory.reclaimableKiB = node.reclaimable
            return memory
        }
        NodeMemory.fillAvailable(&list, hostKiB: host)
        return list.map(\.availableKiB)
    }

    @Test("Free memory and all that can be reclaimed, where the host's estimate is no lower")
    func plenty() {
        #expect(available([(100, 50), (10, 0)], host: 160) == [150, 10])
        #expect(available([(100, 50), (10, 0)], host: nil) == [150, 10])
        #expect(available([(100, nil)], host: 1000) == [100])
        #expect(available([], host: 1000) == [])
    }

    @Test("A lower estimate takes from what can be reclaimed, in proportion, then from what is free")
    func scaled() {
        #expect(available([(100, 60), (10, 40)], host: 160) == [130, 30])
        #expect(available([(100, 60), (10, 40)], host: 110) == [100, 10])
        #expect(available([(100, 60), (10, 40)], host: 55) == [50, 5])
        #expect(available([(100, 60), (10, 40)], host: 0) == [0, 0])
    }

    @Test(
        "Together they never have more than the host, and nothing overflows",
        arguments: [7, 1000, 123_456_789, .max]
    )
    func bounded(_ host: UInt64) {
        let three = available([(333, 77), (12_345_678, 98_765_432_100), (1, 1)], host: host)
        #expect(three.reduce(0) { $0 + ($1 ?? 0) } <= host)
        #expect(available([(.max, .max), (.max, .max)], host: host).allSatisfy { $0 ?? 0 <= host })
    }
}
