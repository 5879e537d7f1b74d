import Foundation
import KSMKernel
import KSMTestSupport
import Testing

@Suite("What tells the end of a process, pressure, and messages of the kernel")
struct WakeTests {
    @Test("The end of a process is told before anybody reaps it, and stays told")
    func end() throws {
        let program = try Program("/bin/sleep", ["1000"])
        // SIGTERM is blocked in what a test's thread starts.
        defer { program.send(SIGKILL) }
        let end = try #require(try ProcessEnd.open(pid: program.pid))
        #expect(end.pid == program.pid)
        #expect(!end.hasEnded)
        program.send(SIGKILL)
        #expect(eventually { end.hasEnded })
        program.wait()
        #expect(end.hasEnded)
    }

    @Test("The ends of many processes are one descriptor; a pid that is used again is watched anew")
    func ends() throws {
        let programs = try (0..<3).map { _ in try Program("/bin/sleep", ["1000"]) }
        defer { for program in programs { program.send(SIGKILL) } }
        let ends = try ProcessEnds()
        func isReadable() -> Bool {
            var request = pollfd(fd: ends.raw, events: Int16(POLLIN), revents: 0)
            return poll(&request, 1, 0) == 1
        }
        let all = programs.map { (pid: $0.pid, startTicks: UInt64(1)) }
        #expect(try !ends.watch(all) && ends.count == 3 && !isReadable() && !ends.drain())
        programs[0].send(SIGKILL)
        #expect(eventually { isReadable() })
        #expect(ends.drain() && ends.count == 2 && !isReadable())
        programs[0].wait()
        // The one that has gone is told; one that is not wanted any more is not watched.
        #expect(try ends.watch([all[0], (all[1].pid, 2)]) && ends.count == 1)
        programs[2].send(SIGKILL)
        programs[2].wait()
        #expect(!isReadable())
        programs[1].send(SIGKILL)
        #expect(eventually { isReadable() })
    }

    @Test("A child that has copies of the descriptors does not keep an end that was told readable")
    func copies() throws {
        let program = try Program("/bin/sleep", ["1000"])
        defer { program.send(SIGKILL) }
        let ends = try ProcessEnds()
        #expect(try !ends.watch([(program.pid, 1)]))
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let copies = open.filter { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            return target == "anon_inode:[pidfd]"
        }.map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(!copies.isEmpty)
        program.send(SIGKILL)
        #expect(eventually { ends.drain() })
        var request = pollfd(fd: ends.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&request, 1, 0) == 0)
    }

    @Test("A process that has gone is an error that says so")
    func gone() throws {
        let program = try Program("/bin/true", [])
        program.wait()
        let error = #expect(throws: SystemError.self) { try ProcessEnd.open(pid: program.pid) }
        #expect(error?.isAbsent == true)
        #expect(error?.description.contains("process \(program.pid)") == true)
    }

    @Test("A recorded machine has no pressure to wait for, and its file is not written to")
    func recorded() throws {
        let machine = try FixtureMachine()
        try machine.write("proc/pressure/memory", "some total=0\n")
        let root = try KernelRoot(machine.path)
        let error = #expect(throws: SystemError.self) { try PressureTrigger(root, stallPermille: 20) }
        #expect(error?.errno == ENOTSUP)
        #expect(machine.read("proc/pressure/memory") == "some total=0\n")
    }

    @Test("Where the shortest window is refused it is the plain one", .enabled(if: pressure, "no pressure here"))
    func window() throws {
        let root = try KernelRoot()
        // Below the shortest that the kernel knows.
        let trigger = try PressureTrigger(root, stallPermille: 20, windowMicroseconds: 100_000)
        #expect(trigger.windowMicroseconds == PressureTrigger.plainWindow)
        #expect(trigger.stallMicroseconds == 40_000)
        let all = try PressureTrigger(root, stallPermille: 5000, windowMicroseconds: PressureTrigger.plainWindow)
        #expect(all.stallMicroseconds == 2_000_000)
    }

    private static let pressure = access("/proc/pressure/memory", W_OK) == 0

    @Test(
        "What another program says in the kernel's place is not heard",
        .enabled(if: geteuid() == 0, "only root can say it")
    )
    func forged() throws {
        let socket = try UeventSocket()
        let message = Array(
            "change@/devices/virtual/misc/kvm\0ACTION=change\0SUBSYSTEM=misc\0EVENT=create\0DEVNAME=kvm\0".utf8
        )
        let forger = Glibc.socket(AF_NETLINK, Int32(SOCK_DGRAM.rawValue), 15)
        try #require(forger >= 0)
        defer { close(forger) }
        // A real one may come in between, but not every time.
        let isUnheard = try (0..<5).contains { _ in
            _ = socket.drain()
            try send(message, from: forger, to: socket.raw)
            var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            #expect(poll(&request, 1, 0) == 1)
            return socket.drain() == UeventSocket.Heard()
        }
        #expect(isUnheard)
    }

    private func send(_ message: [UInt8], from forger: Int32, to socket: Int32) throws {
        // struct sockaddr_nl of linux/netlink.h: family, padding, port, groups.
        var address = [UInt8](repeating: 0, count: 12)
        var length = socklen_t(address.count)
        try address.withUnsafeMutableBytes { bytes in
            let place = try #require(bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self))
            try #require(getsockname(socket, place, &length) == 0)
            bytes.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
            try #require(sendto(forger, message, message.count, 0, place, length) == message.count)
        }
    }
}
