import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

@Suite("Nodes of a recorded machine")
struct NodeTopologyTests {
    private let node = "sys/devices/system/node"

    /// Nodes 0 and 1 as usual, 2 without memory, no 3, 4 without CPUs.
    private func uneven() throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.write("\(node)/online", "0-2,4\n")
        try machine.write("\(node)/has_memory", "0-1,4\n")
        try machine.write("\(node)/has_cpu", "0-2\n")
        try machine.write("sys/devices/system/cpu/online", "0-11\n")
        let rows: [(Int, String, String)] = [
            (0, "0-3\n", "10 21 31 40\n"), (1, "4-7\n", "21 10 31 40\n"), (2, "8-11\n", "31 31 10 40\n"),
            (4, "\n", "40 40 40 10\n"),
        ]
        for (number, cpus, distances) in rows {
            try machine.write("\(node)/node\(number)/cpulist", cpus)
            try machine.write("\(node)/node\(number)/distance", distances)
            try meminfo(machine, number, totalKiB: number == 2 ? 0 : 4_194_304, freeKiB: number == 2 ? 0 : 1_048_576)
        }
        return machine
    }

    private func meminfo(
        _ machine: FixtureMachine,
        _ number: Int,
        totalKiB: UInt64,
        freeKiB: UInt64,
        cacheKiB: UInt64 = 0
    ) throws {
        let lines = [
            "MemTotal: \(totalKiB)", "MemFree: \(freeKiB)", "AnonPages: 7", "FilePages: \(cacheKiB)",
            "Active(file): 0", "Inactive(file): \(cacheKiB)", "KReclaimable: 0",
        ]
        let text = lines.map { "Node \(number) \($0) kB\n" }.joined()
        try machine.write("\(node)/node\(number)/meminfo", text)
    }

    /// The machine must live as long as this.
    private func sampler(_ machine: FixtureMachine) throws -> Sampler {
        Sampler(try KernelRoot(machine.path), Settings())
    }

    @Test("Holes in the numbers, a node without memory and one without CPUs")
    func numbers() throws {
        let machine = try uneven()
        let sample = try sampler(machine).sample()
        #expect(sample.problems == [])
        let topology = sample.topology
        #expect(topology.nodes.map(\.number) == [0, 1, 2, 4])
        #expect(topology.nodes.map(\.hasMemory) == [true, true, false, true])
        #expect(topology.node(1)?.cpus == [4, 5, 6, 7])
        #expect(topology.node(4)?.cpus == [])
        #expect(topology.distance(from: 0, to: 4) == 40)
        #expect(topology.distance(from: 4, to: 4) == 10)
        #expect(topology.distance(from: 1, to: 0) == 21)
        #expect(topology.distance(from: 0, to: 3) == nil)
        #expect(sample.nodes.map(\.node) == [0, 1, 4])
    }

    @Test("A kernel without NUMA is one node with everything")
    func withoutNUMA() throws {
        let machine = try FixtureMachine()
        try machine.remove("sys/devices/system/node")
        try machine.write("sys/devices/system/cpu/online", "0-1,3\n")
        let sample = try sampler(machine).sample()
        #expect(
            sample.topology == Topology(nodes: [Node(number: 0, hasMemory: true, cpus: [0, 1, 3], distances: [10])])
        )
        #expect(sample.nodes.map(\.node) == [0])
        #expect(sample.nodes[0].availableKiB == sample.memory.memAvailableKiB)
        #expect(sample.problems == [])
    }

    @Test("Nodes that come and go are right at the next sample")
    func hotplug() throws {
        let machine = try uneven()
        let sampler = try sampler(machine)
        _ = sampler.sample()
        // Node 1 goes, node 7 comes, and node 2 gets memory.
        try machine.remove("\(node)/node1")
        try machine.write("\(node)/online", "0,2,4,7\n")
        try machine.write("\(node)/has_memory", "0,2,4,7\n")
        try machine.write("\(node)/node7/cpulist", "12-13\n")
        for number in [0, 2, 4, 7] {
            let row = [0, 2, 4, 7].map { $0 == number ? "10" : "20" }.joined(separator: " ")
            try machine.write("\(node)/node\(number)/distance", row + "\n")
        }
        try meminfo(machine, 2, totalKiB: 1024, freeKiB: 512)
        try meminfo(machine, 7, totalKiB: 2048, freeKiB: 256)
        let sample = sampler.sample()
        #expect(sample.problems == [])
        #expect(sample.topology.nodes.map(\.number) == [0, 2, 4, 7])
        #expect(sample.topology.node(7)?.cpus == [12, 13])
        #expect(sample.topology.distance(from: 7, to: 0) == 20)
        #expect(sample.nodes.map(\.node) == [0, 2, 4, 7])
        #expect(sample.nodes.map(\.totalKiB) == [4_194_304, 1024, 4_194_304, 2048])
        // And node 1 comes back with less memory.
        try machine.write("\(node)/online", "0-2,4,7\n")
        try machine.write("\(node)/has_memory", "0-2,4,7\n")
        try meminfo(machine, 1, totalKiB: 99, freeKiB: 9)
        #expect(sampler.sample().nodes.first { $0.node == 1 }?.totalKiB == 99)
    }

    @Test("A CPU that goes offline is no longer its node's")
    func cpuHotplug() throws {
        let machine = try uneven()
        let sampler = try sampler(machine)
        _ = sampler.sample()
        try machine.write("sys/devices/system/cpu/online", "0-6,8-11\n")
        try machine.write("\(node)/node1/cpulist", "4-6\n")
        #expect(sampler.sample().topology.node(1)?.cpus == [4, 5, 6])
    }

    @Test("A node whose directory has just gone has no CPUs and no memory, and is read again until it is whole")
    func halfGone() throws {
        let machine = try uneven()
        let sampler = try sampler(machine)
        try machine.remove("\(node)/node1")
        let sample = sampler.sample()
        #expect(sample.problems == [])
        #expect(sample.topology.node(1) == Node(number: 1, hasMemory: true, cpus: []))
        #expect(sample.nodes.map(\.node) == [0, 4])
        try machine.write("\(node)/node1/cpulist", "4-7\n")
        try machine.write("\(node)/node1/distance", "21 10 31 40\n")
        try meminfo(machine, 1, totalKiB: 5, freeKiB: 5)
        let after = sampler.sample()
        #expect(after.topology.node(1)?.distances == [21, 10, 31, 40])
        #expect(after.nodes.map(\.node) == [0, 1, 4])
    }

    @Test(
        "Distances to another number of nodes than there are, are not used",
        arguments: ["10 21 31\n", "10 21 31 40 50\n", "\n"]
    )
    func columns(_ text: String) throws {
        let machine = try uneven()
        try machine.write("\(node)/node0/distance", text)
        let sample = try sampler(machine).sample()
        #expect(sample.topology.node(0)?.distances == [])
        #expect(sample.topology.distance(from: 0, to: 1) == nil)
        #expect(sample.topology.distance(from: 1, to: 0) == 21)
    }

    @Test(
        "A broken file is a problem at every sample, and the rest is read",
        arguments: ["online", "has_memory", "node1/cpulist", "node1/distance"],
        ["0-\n", "nodes\n", "-1\n"]
    )
    func broken(_ file: String, _ text: String) throws {
        let machine = try uneven()
        try machine.write("\(node)/\(file)", text)
        let sampler = try sampler(machine)
        for _ in 0..<2 {
            let sample = sampler.sample()
            #expect(sample.problems.count == 1)
            #expect(sample.problems.first?.hasPrefix("Failed to parse /\(node)/\(file): expected ") == true)
            #expect(sample.topology.node(0)?.cpus == [0, 1, 2, 3])
            #expect(sample.nodes.first?.totalKiB == 4_194_304)
        }
    }

    @Test("With both lists broken or empty the machine is one node", arguments: ["x\n", "", "\n"])
    func noLists(_ text: String) throws {
        let machine = try uneven()
        try machine.write("\(node)/online", text)
        try machine.write("\(node)/has_memory", text)
        let sample = try sampler(machine).sample()
        #expect(sample.topology.nodes.map(\.number) == [0])
        #expect(sample.topology.nodes[0].cpus.count == 12)
        #expect(sample.nodes.map(\.totalKiB) == [16_777_216])
    }

    @Test("What the nodes could still give is no more, together, than what the host could")
    func available() throws {
        let machine = try uneven()
        try meminfo(machine, 0, totalKiB: 4_194_304, freeKiB: 1000, cacheKiB: 3000)
        try meminfo(machine, 1, totalKiB: 4_194_304, freeKiB: 500, cacheKiB: 1000)
        try meminfo(machine, 4, totalKiB: 4_194_304, freeKiB: 500, cacheKiB: 0)
        try machine.memory(totalKiB: 12_582_912, freeKiB: 4000)
        let nodes = try sampler(machine).sample().nodes
        #expect(nodes.map(\.reclaimableKiB) == [3000, 1000, 0])
        #expect(nodes.map(\.availableKiB) == [2500, 1000, 500])
    }
}
