import Foundation
import KSMKernel
import KSMTestSupport
import Testing

@Suite("Cgroups that come and go, on a made-up machine")
struct CgroupWatchTests {
    private static let top = "sys/fs/cgroup"

    private let machine: FixtureMachine

    init() throws {
        machine = try FixtureMachine()
        try machine.write("\(CgroupWatchTests.top)/cgroup.controllers", "memory\n")
    }

    private func watch(_ paths: String...) throws -> CgroupWatch {
        try CgroupWatch(try KernelRoot(machine.path), paths)
    }

    private func make(_ path: String) throws {
        let url = machine.url("\(CgroupWatchTests.top)/\(path)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    private func remove(_ path: String) throws { try machine.remove("\(CgroupWatchTests.top)/\(path)") }

    private func isChange(_ watch: CgroupWatch) -> Bool {
        let heard = watch.drain()
        #expect(heard.problem == nil && !heard.missed)
        return heard.changed
    }

    private func hears(_ watch: CgroupWatch) -> Bool {
        var request = pollfd(fd: watch.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    @Test("A guest's cgroup comes and goes")
    func guests() throws {
        try make("machine.slice")
        let watch = try watch("machine.slice")
        #expect(!hears(watch) && !isChange(watch))
        try make(#"machine.slice/machine-qemu\x2d1.scope"#)
        #expect(hears(watch) && isChange(watch) && !hears(watch))
        try remove(#"machine.slice/machine-qemu\x2d1.scope"#)
        #expect(isChange(watch) && !isChange(watch))
    }

    @Test("Neither files nor what is deeper or beside is a change")
    func others() throws {
        try make("machine.slice")
        try make("machine.slice/a.scope")
        let watch = try watch("machine.slice")
        try machine.write("\(CgroupWatchTests.top)/machine.slice/memory.max", "max\n")
        try make("machine.slice/a.scope/libvirt")
        try make("user.slice")
        #expect(!isChange(watch))
    }

    @Test("A cgroup that is not there yet is watched as soon as it is, again and again")
    func comesAndGoes() throws {
        let watch = try watch("/machine.slice/")
        for _ in 0..<3 {
            #expect(watch.present.isEmpty)
            try make("machine.slice")
            #expect(isChange(watch))
            #expect(watch.present == ["/\(CgroupWatchTests.top)/machine.slice"])
            try make("machine.slice/a.scope")
            #expect(isChange(watch))
            try remove("machine.slice/a.scope")
            try remove("machine.slice")
            #expect(isChange(watch))
        }
    }

    @Test("One that goes and comes back before anybody looks is watched")
    func between() throws {
        try make("machine.slice")
        let watch = try watch("machine.slice")
        try remove("machine.slice")
        try make("machine.slice")
        #expect(isChange(watch))
        try make("machine.slice/a.scope")
        #expect(isChange(watch))
    }

    @Test("A cgroup deep down is found, however much of its path is there")
    func deep() throws {
        let watch = try watch("a/b/c", "a")
        for path in ["a", "a/b", "a/b/c"] {
            try make(path)
            #expect(isChange(watch))
        }
        #expect(watch.present.count == 2)
        try make("a/b/c/guest")
        #expect(isChange(watch))
        try remove("a")
        #expect(isChange(watch) && watch.present.isEmpty)
        // All at once: below what is new everything is new.
        try FileManager.default.createDirectory(
            at: machine.url("\(CgroupWatchTests.top)/a/b/c"),
            withIntermediateDirectories: true
        )
        #expect(isChange(watch) && watch.present.count == 2)
        try make("a/b/c/guest")
        #expect(isChange(watch))
    }

    @Test("The top itself can be watched")
    func top() throws {
        let watch = try watch("/")
        try make("guest")
        #expect(isChange(watch))
    }

    @Test("More than the kernel keeps is said to be missed, and afterwards all is watched")
    func overflow() throws {
        let limit = try #require(
            Int(
                try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            )
        )
        try #require(limit <= 100_000, "this machine keeps very many events")
        // In memory: so many changes of a disk take long.
        let machine = "/dev/shm/ksmd-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: machine) }
        let slice = "\(machine)/\(CgroupWatchTests.top)/machine.slice"
        try FileManager.default.createDirectory(atPath: slice, withIntermediateDirectories: true)
        try "".write(
            toFile: "\(machine)/\(CgroupWatchTests.top)/cgroup.controllers",
            atomically: true,
            encoding: .utf8
        )
        let watch = try CgroupWatch(try KernelRoot(machine), ["machine.slice"])
        for _ in 0...limit / 2 {
            mkdir(slice + "/a", 0o755)
            rmdir(slice + "/a")
        }
        var missed = false
        while hears(watch) {
            let heard = watch.drain()
            #expect(heard.problem == nil)
            missed = missed || heard.missed
        }
        #expect(missed)
        #expect(watch.present.count == 1)
        mkdir(slice + "/a", 0o755)
        #expect(isChange(watch))
    }

    @Test("Where version 2 is not mounted, and for a path that leads out, there is an error")
    func refused() throws {
        #expect(throws: SystemError(operation: "watch", path: "../x", errno: EINVAL)) { try watch("../x") }
        try machine.remove("\(CgroupWatchTests.top)/cgroup.controllers")
        let absent = #expect(throws: SystemError.self) { try watch("machine.slice") }
        #expect(absent?.isAbsent == true)
    }

    @Test("Beside version 1 it is in a directory of its own")
    func hybrid() throws {
        try machine.remove("\(CgroupWatchTests.top)/cgroup.controllers")
        try machine.write("\(CgroupWatchTests.top)/unified/cgroup.controllers", "\n")
        let watch = try watch("machine.slice")
        try make("unified/machine.slice")
        #expect(isChange(watch))
        #expect(watch.present == ["/\(CgroupWatchTests.top)/unified/machine.slice"])
    }
}
