import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

@Suite("Memory limits of cgroups")
struct CgroupTests {
    private let top = "sys/fs/cgroup"

    /// A guest of libvirt on a host with version 2: the slice is limited, the scope is not, the leaf has memory.high.
    private func unified(_ top: String = "sys/fs/cgroup") throws -> FixtureMachine {
        let machine = try FixtureMachine()
        try machine.guest(50, "web")
        try machine.write("proc/50/cgroup", "0::/machine.slice/web.scope/emulator\n")
        try machine.write("\(top)/cgroup.controllers", "cpuset cpu io memory pids\n")
        try level(machine, "\(top)/machine.slice", current: 3 << 30, max: "\(8 << 30)")
        try level(machine, "\(top)/machine.slice/web.scope", current: 2 << 30, max: "max")
        try level(machine, "\(top)/machine.slice/web.scope/emulator", current: 1 << 30, max: "max", high: "\(2 << 30)")
        return machine
    }

    private func level(_ machine: FixtureMachine, _ path: String, current: UInt64, max: String, high: String = "max")
        throws
    {
        try machine.write("\(path)/memory.current", "\(current)\n")
        try machine.write("\(path)/memory.max", "\(max)\n")
        try machine.write("\(path)/memory.high", "\(high)\n")
    }

    private func cgroups(_ machine: FixtureMachine) throws -> CgroupMemory {
        CgroupMemory(try KernelRoot(machine.path))
    }

    @Test(
        "Version 2: the process' own and all above it, those with a limit",
        arguments: ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
    )
    func chain(_ top: String) throws {
        let machine = try unified(top)
        let chain = try cgroups(machine).chain(of: 50)
        #expect(chain.path == "/machine.slice/web.scope/emulator")
        #expect(chain.isUnified && chain.problem == nil)
        #expect(
            chain.limits == [
                CgroupLimit(
                    path: "/machine.slice/web.scope/emulator",
                    currentBytes: 1 << 30,
                    maxBytes: nil,
                    highBytes: 2 << 30
                ),
                CgroupLimit(path: "/machine.slice", currentBytes: 3 << 30, maxBytes: 8 << 30),
            ]
        )
        #expect(chain.tightest?.path == "/machine.slice")
        #expect(chain.tightest?.headroomKiB == 5 << 20)
    }

    @Test("Version 1: where memory has a controller of its own, its limits hold")
    func version1() throws {
        let machine = try FixtureMachine()
        try machine.guest(50, "web")
        try machine.write("proc/50/cgroup", "4:cpu,memory:/machine/web\n1:name=systemd:/x\n0::/\n")
        for (path, limit) in [("", UInt64(Int64.max) - 4095), ("/machine", 1 << 30), ("/machine/web", 3 << 30)] {
            try machine.write("\(top)/memory\(path)/memory.limit_in_bytes", "\(limit)\n")
            try machine.write("\(top)/memory\(path)/memory.usage_in_bytes", "\(1 << 29)\n")
        }
        let cgroups = try cgroups(machine)
        let chain = try cgroups.chain(of: 50)
        #expect(chain.limits.map(\.path) == ["/machine/web", "/machine"])
        #expect(!chain.isUnified && chain.problem == nil)
        #expect(chain.tightest == CgroupLimit(path: "/machine", currentBytes: 1 << 29, maxBytes: 1 << 30))
        #expect(try cgroups.watch([chain]).headroomKiB() == 1 << 19)
    }

    @Test("A limit on the root of what is seen counts: in a container that is the container's")
    func rootLevel() throws {
        let machine = try unified()
        try machine.write("proc/50/cgroup", "0::/\n")
        try level(machine, top, current: 100 << 20, max: "\(60 << 20)")
        let chain = try cgroups(machine).chain(of: 50)
        #expect(chain.limits.map(\.path) == ["/"])
        #expect(chain.tightest?.headroomKiB == 0)
    }

    @Test("No cgroups, or none that count memory: no limits and no problem", arguments: [nil, "", "3:pids:/x\n"])
    func none(_ text: String?) throws {
        let machine = try FixtureMachine()
        try machine.guest(50, "web")
        if let text { try machine.write("proc/50/cgroup", text) }
        #expect(try cgroups(machine).chain(of: 50) == CgroupChain(path: nil))
    }

    @Test("A process that has gone is an error")
    func gone() throws {
        let machine = try FixtureMachine()
        let cgroups = try cgroups(machine)
        let error = #expect(throws: SystemError.self) { try cgroups.chain(of: 51) }
        #expect(error?.isAbsent == true)
    }

    @Test("A cgroup that cannot be seen is said, and never looked for elsewhere")
    func outside() throws {
        let machine = try unified()
        try machine.write("proc/50/cgroup", "0::/../machine.slice\n")
        let chain = try cgroups(machine).chain(of: 50)
        #expect(chain.path == nil && chain.limits == [])
        #expect(
            chain.problem == "The cgroup of process 50 (/../machine.slice) is outside of what can be seen from here"
        )
        try machine.write("proc/50/cgroup", "0::/machine.slice/gone (deleted)\n")
        let deleted = try cgroups(machine).chain(of: 50)
        #expect(deleted.limits.map(\.path) == ["/machine.slice"])
        #expect(
            deleted.problem
                == "/sys/fs/cgroup/machine.slice/gone (deleted) is not there: memory limits of process 50 may be missing"
        )
    }

    @Test("A limit that cannot be read is said", arguments: ["", "lots\n"])
    func broken(_ text: String) throws {
        let machine = try unified()
        try machine.write("\(top)/machine.slice/memory.max", text)
        let chain = try cgroups(machine).chain(of: 50)
        #expect(chain.limits.map(\.path) == ["/machine.slice/web.scope/emulator"])
        #expect(chain.problem?.hasPrefix("Failed to parse /sys/fs/cgroup/machine.slice/memory.max: expected") == true)
    }

    @Test("The watch answers with the least room of all, follows changes, and forgets what has gone")
    func watch() throws {
        let machine = try unified()
        try machine.guest(60, "db")
        try machine.write("proc/60/cgroup", "0::/machine.slice/db.scope\n")
        try level(machine, "\(top)/machine.slice/db.scope", current: 1 << 30, max: "\(2 << 30)")
        let cgroups = try cgroups(machine)
        let watch = try cgroups.watch([try cgroups.chain(of: 50), try cgroups.chain(of: 60)])
        #expect(watch.headroomKiB() == 1 << 20)
        try machine.write("\(top)/machine.slice/db.scope/memory.current", "\((2 << 30) - 4096)\n")
        #expect(watch.headroomKiB() == 4)
        try machine.write("\(top)/machine.slice/db.scope/memory.current", "\(3 << 30)\n")
        #expect(watch.headroomKiB() == 0)
        try machine.write("\(top)/machine.slice/db.scope/memory.max", "max\n")
        #expect(watch.headroomKiB() == 5 << 20)
        try machine.write("\(top)/machine.slice/memory.max", "garbage\n")
        #expect(watch.headroomKiB() == 0)
        try machine.remove("\(top)/machine.slice")
        #expect(watch.headroomKiB() == nil)
        #expect(try cgroups.watch([]).headroomKiB() == nil)
    }

    @Test("A real cgroup of this machine: its limit, its room, and its going", .enabled(if: LiveCgroup.isPossible))
    func live() throws {
        let cgroup = try LiveCgroup(limitBytes: 64 << 20)
        defer { cgroup.remove() }
        let program = try Program("/bin/sleep", ["1000"])
        // SIGTERM is blocked in what a test's thread starts.
        defer { program.send(SIGKILL) }
        try cgroup.move(program.pid)
        let cgroups = CgroupMemory(try KernelRoot())
        let chain = try cgroups.chain(of: program.pid)
        #expect(chain.problem == nil)
        #expect(chain.limits.first?.path == cgroup.path)
        #expect(chain.limits.first?.maxBytes == 64 << 20)
        let watch = try cgroups.watch([
            CgroupChain(path: cgroup.path, isUnified: chain.isUnified, limits: [chain.limits[0]])
        ])
        let room = try #require(watch.headroomKiB())
        #expect(room > 32 << 10 && room <= 64 << 10)
        program.send(SIGKILL)
        program.wait()
        #expect(eventually { cgroup.remove() })
        #expect(watch.headroomKiB() == nil)
    }

    @Test(
        "An open file of something that went and came back under the same name is opened anew",
        .enabled(if: LiveCgroup.isPossible)
    )
    func cameBack() throws {
        // A node's directory behaves the same: both are kernfs, whose old descriptors answer ENODEV for ever.
        let first = try LiveCgroup(limitBytes: 64 << 20, name: "again")
        defer { first.remove() }
        let cgroups = CgroupMemory(try KernelRoot())
        let limit = CgroupLimit(path: first.path, currentBytes: 0, maxBytes: 64 << 20)
        let watch = try cgroups.watch([CgroupChain(path: first.path, isUnified: first.isUnified, limits: [limit])])
        #expect(watch.headroomKiB() == 64 << 10)
        #expect(eventually { first.remove() })
        let second = try LiveCgroup(limitBytes: 32 << 20, name: "again")
        #expect(watch.headroomKiB() == 32 << 10)
        #expect(eventually { second.remove() })
        #expect(watch.headroomKiB() == nil)
    }
}

/// A memory cgroup of the running machine, of whichever version counts memory here.
private final class LiveCgroup {
    private static let version1 = "/sys/fs/cgroup/memory"
    private static let version2 = "/sys/fs/cgroup"
    static var isPossible: Bool {
        access(version1 + "/memory.limit_in_bytes", F_OK) == 0 ? access(version1, W_OK) == 0 : hasVersion2
    }
    private static var hasVersion2: Bool {
        let controllers = try? String(contentsOfFile: version2 + "/cgroup.subtree_control", encoding: .utf8)
        return controllers?.contains("memory") == true && access(version2, W_OK) == 0
    }

    let path: String
    let isUnified: Bool
    private let directory: String

    init(limitBytes: UInt64, name: String = "one") throws {
        path = "/ksmd-test-\(getpid())-\(name)"
        let isOld = access(LiveCgroup.version1 + "/memory.limit_in_bytes", F_OK) == 0
        isUnified = !isOld
        directory = (isOld ? LiveCgroup.version1 : LiveCgroup.version2) + path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try write(isOld ? "memory.limit_in_bytes" : "memory.max", "\(limitBytes)")
    }

    func move(_ pid: Int32) throws { try write("cgroup.procs", "\(pid)") }

    /// Whether it has gone.
    @discardableResult
    func remove() -> Bool { rmdir(directory) == 0 || errno == ENOENT }

    private func write(_ file: String, _ text: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: "\(directory)/\(file)"))
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}

@Suite("Facts about the kernel of a recorded machine")
struct KernelFactsTests {
    @Test("What is there is read")
    func facts() throws {
        let machine = try FixtureMachine()
        try machine.write("proc/sys/kernel/osrelease", "6.5.0-21-generic\n")
        try machine.write("proc/sys/kernel/numa_balancing", "1\n")
        let hugePages = "sys/kernel/mm/transparent_hugepage"
        try machine.write("\(hugePages)/enabled", "always [madvise] never\n")
        try machine.write("\(hugePages)/khugepaged/pages_collapsed", "63\n")
        try machine.write("\(hugePages)/khugepaged/full_scans", "14\n")
        for (pid, comm) in [(7, "numad2"), (812, "numad"), (900, "xnumad")] {
            try machine.write("proc/\(pid)/comm", comm + "\n")
        }
        var expected = KernelFacts()
        expected.kernelMajor = 6
        expected.kernelMinor = 5
        expected.numaBalancing = 1
        expected.thpEnabled = "madvise"
        expected.khugepagedCollapsed = 63
        expected.khugepagedFullScans = 14
        expected.numadPID = 812
        #expect(KernelFacts.read(try KernelRoot(machine.path)) == expected)
    }

    @Test("What is missing or broken is nothing")
    func missing() throws {
        let machine = try FixtureMachine()
        #expect(KernelFacts.read(try KernelRoot(machine.path)) == KernelFacts())
        try machine.write("proc/sys/kernel/osrelease", "Linux\n")
        try machine.write("proc/sys/kernel/numa_balancing", "on\n")
        try machine.write("sys/kernel/mm/transparent_hugepage/enabled", "\n")
        #expect(KernelFacts.read(try KernelRoot(machine.path)) == KernelFacts())
    }
}
