import CNuma
import Foundation
import KSMKernel
import KSMModel
import Testing

@Suite("Nodes, pages and places of the running machine")
struct LiveNodeTests {
    @Test("Topology and memory are those of libnuma")
    func library() throws {
        try #require(numa_available() >= 0)
        let sampler = Sampler(try KernelRoot(), Settings())
        for _ in 0..<3 {
            let sample = sampler.sample()
            #expect(sample.problems == [])
            #expect(!sample.topology.nodes.isEmpty)
            #expect(sample.topology.withMemory.map(\.number) == sample.nodes.map(\.node))
            for node in sample.topology.nodes {
                for other in sample.topology.nodes {
                    let distance = numa_distance(Int32(node.number), Int32(other.number))
                    #expect(sample.topology.distance(from: node.number, to: other.number) == Int(distance))
                }
                let mask = numa_allocate_cpumask()
                defer { numa_bitmask_free(mask) }
                #expect(numa_node_to_cpus(Int32(node.number), mask) == 0)
                let cpus = (0..<NodeCPUs.limit).filter { numa_bitmask_isbitset(mask, UInt32($0)) != 0 }
                #expect(node.cpus == cpus)
            }
            let available = sample.nodes.reduce(0) { $0 + ($1.availableKiB ?? 0) }
            #expect(available > 0 && available <= sample.memory.memAvailableKiB ?? 0)
            #expect(sample.nodes.allSatisfy { $0.reclaimableKiB ?? 0 > 0 })
        }
    }

    private enum NodeCPUs {
        static let limit = 8192
    }

    @Test("A sample keeps its files: many take no more descriptors than one")
    func descriptors() throws {
        func open() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
        let topology = NodeTopology(try KernelRoot(), buffer: ReadBuffer())
        var problems: [String] = []
        let first = topology.read(problems: &problems)
        // Other tests of this process open and close files meanwhile: a leak of one a sample shows all the same.
        let before = open()
        for _ in 0..<1000 { #expect(topology.read(problems: &problems) == first) }
        #expect(open() < before + 500)
        #expect(problems == [])
    }

    @Test("Pages have the node they lie on, and what is no page an error number; also in several calls")
    func pages() throws {
        let pageSize = Int(GuestDirectory.pageSize)
        let count = PageNodes.batch * 2 + 3
        let length = count * pageSize
        let start = try #require(mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(start, length) }
        madvise(start, length, 15)  // MADV_NOHUGEPAGE
        // Every second page is there.
        for index in stride(from: 0, to: count, by: 2) { memset(start + index * pageSize, 1, 1) }
        let addresses = (0..<count).map { UInt64(UInt(bitPattern: start + $0 * pageSize)) } + [8]
        var status = [Int32](repeating: 77, count: addresses.count)
        try addresses.withUnsafeBufferPointer { addresses in
            try status.withUnsafeMutableBufferPointer {
                try PageNodes.query(pid: getpid(), addresses: addresses, into: $0)
            }
        }
        for index in 0..<count {
            if index % 2 == 0 {
                #expect((0...numa_max_node()).contains(status[index]))
            } else {
                // Not there, or the zero page.
                #expect([-ENOENT, -EFAULT].contains(status[index]))
            }
        }
        #expect(status[count] == -EFAULT)
    }

    @Test("Pages of a process that is not there are an error with its cause")
    func noProcess() {
        let addresses: [UInt64] = [4096]
        var status: [Int32] = [0]
        let error = #expect(throws: SystemError.self) {
            try addresses.withUnsafeBufferPointer { addresses in
                try status.withUnsafeMutableBufferPointer {
                    // Above PID_MAX_LIMIT (2^22), so nobody's.
                    try PageNodes.query(pid: 5_000_000, addresses: addresses, into: $0)
                }
            }
        }
        #expect(error?.errno == ESRCH)
        #expect(error?.description.contains("process 5000000") == true)
    }

    @Test("This process may run where the kernel says, and take memory of a node that has some")
    func places() throws {
        let root = try KernelRoot()
        let own = try ProcessPlaces.read(root)
        let mask = numa_allocate_cpumask()
        defer { numa_bitmask_free(mask) }
        #expect(numa_sched_getaffinity(0, mask) > 0)
        #expect(own.cpus?.count == Int(numa_bitmask_weight(mask)))
        let withMemory = Sampler(root, Settings()).sample().nodes.map(\.node)
        #expect(withMemory.contains { own.allows(node: $0) })
        #expect(try ProcessPlaces.read(root, pid: getpid()) == own)
        let error = #expect(throws: SystemError.self) { try ProcessPlaces.read(root, pid: 5_000_000) }
        #expect(error?.isAbsent == true)
    }

    @Test("The facts are those of uname and sysctl")
    func facts() throws {
        let facts = KernelFacts.read(try KernelRoot())
        var name = utsname()
        #expect(uname(&name) == 0)
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(release.hasPrefix("\(facts.kernelMajor ?? 0).\(facts.kernelMinor ?? 0)"))
        let balancing = try? String(contentsOfFile: "/proc/sys/kernel/numa_balancing", encoding: .utf8)
        #expect(facts.numaBalancing == balancing.flatMap { UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
    }
}
