import Foundation
import Glibc
import KSMKernel
import KSMSystemd
import KSMTestSupport
import Testing

@Suite("What wakes the event loop on this machine", .serialized)
struct EventTests {
    /// A guest is to be listed within a second.
    private static let bound = 1.0

    @Test("A machine of KVM is made and ended", .enabled(if: KVM.makesMachines, "KVM makes no machines here"))
    func kvm() throws {
        let loop = try EventLoop()
        let socket = try UeventSocket()
        var heard = UeventSocket.Heard()
        try loop.addReadable(socket.raw) { _, _ in heard = socket.drain() }
        let kvm = try KVM()
        // Other tests may make machines too.
        let made = try latency(loop, { kvm.make() }, until: { heard.created >= 1 })
        #expect(made < EventTests.bound)
        let ended = try latency(loop, { kvm.end() }, until: { heard.destroyed >= 1 })
        #expect(ended < EventTests.bound)
        report("KVM machine", made, ended)
        #expect(!heard.missed && heard.problem == nil)
    }

    @Test(
        "Other devices do not wake it",
        .enabled(if: Uevent.null.isWritable, "the kernel's messages cannot be caused")
    )
    func otherDevices() throws {
        let socket = try UeventSocket()
        // One of KVM's may come in between, but not every time.
        let isQuiet = (0..<5).contains { _ in
            _ = socket.drain()
            Uevent.null.cause()
            var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            return poll(&request, 1, 0) == 0
        }
        #expect(isQuiet)
    }

    @Test(
        "A message that is not about a machine is nothing, and too many of them are said to be missed",
        .enabled(if: Uevent.kvm.isWritable, "there is no KVM whose messages can be caused")
    )
    func tooMany() throws {
        let socket = try UeventSocket()
        Uevent.kvm.cause()
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&request, 1, 0) == 1)
        #expect(!socket.drain().missed)
        var size: Int32 = 1
        try #require(setsockopt(socket.raw, SOL_SOCKET, SO_RCVBUF, &size, 4) == 0)
        for _ in 0..<50 { Uevent.kvm.cause() }
        #expect(poll(&request, 1, 0) == 1)
        let heard = socket.drain()
        #expect(heard.missed && heard.problem == nil)
        #expect(!socket.drain().missed)
    }

    @Test("A cgroup comes and goes", .enabled(if: ScratchCgroup.unified != nil, "cgroups of version 2 cannot be made"))
    func cgroup() throws {
        let mount = try #require(ScratchCgroup.unified)
        let name = "ksmd-test-\(getpid()).slice"
        let (slice, guest) = ("\(mount)/\(name)", "\(mount)/\(name)/machine-qemu\\x2d1.scope")
        defer {
            rmdir(guest)
            rmdir(slice)
        }
        let loop = try EventLoop()
        let watch = try CgroupWatch(try KernelRoot(), [name])
        var changes = 0
        try loop.addReadable(watch.raw) { _, _ in if watch.drain().changed { changes += 1 } }
        // Twice: the second time the slice has been there before, and has gone.
        for round in 0..<2 {
            let steps: [@Sendable () -> Void] = [
                { mkdir(slice, 0o755) }, { mkdir(guest, 0o755) }, { rmdir(guest) }, { rmdir(slice) },
            ]
            let times = try steps.enumerated().map { index, step in
                try latency(loop, step, until: { changes == round * 4 + index + 1 })
            }
            #expect(times.allSatisfy { $0 < EventTests.bound })
            report("cgroup", times[1], times[2])
        }
        #expect(watch.present.isEmpty)
    }

    @Test("A process ends")
    func process() throws {
        let program = try Program("/bin/sleep", ["1000"])
        defer { program.send(SIGKILL) }
        let pid = program.pid
        let end = try #require(try ProcessEnd.open(pid: pid))
        let loop = try EventLoop()
        var ends = 0
        try loop.addReadable(end.raw) { source, _ in
            ends += 1
            source.cancel()
        }
        let time = try latency(loop, { kill(pid, SIGKILL) }, until: { ends == 1 })
        #expect(time < EventTests.bound)
        report("end of a process", time)
    }

    @Test(
        "Memory gets short",
        .enabled(if: Squeeze.isPossible, "needs root, memory cgroups and /proc/pressure/memory"),
        arguments: [PressureTrigger.shortestWindow, PressureTrigger.plainWindow]
    )
    func pressure(_ window: UInt64) throws {
        let trigger = try PressureTrigger(try KernelRoot(), stallPermille: 20, windowMicroseconds: window)
        let isGranted = window == PressureTrigger.plainWindow || Squeeze.mayHaveShortWindows
        #expect(trigger.windowMicroseconds == (isGranted ? window : PressureTrigger.plainWindow))
        let loop = try EventLoop()
        var wakes = 0
        try loop.addReadable(trigger.raw, events: .exceptional) { _, events in
            if events.contains(.exceptional) { wakes += 1 }
        }
        #expect(try !loop.runOnce(timeoutMilliseconds: 0))
        let squeeze = try Squeeze()
        defer { squeeze.end() }
        let before = try Squeeze.stalled()
        var onset: Double?
        let isWoken = try eventually(30) {
            _ = try loop.runOnce(timeoutMilliseconds: 2)
            // The stall that the trigger asks for has been reached.
            if onset == nil, try Squeeze.stalled() > before + trigger.stallMicroseconds { onset = now() }
            return wakes > 0
        }
        #expect(isWoken)
        let time = onset.map { now() - $0 } ?? 0
        // The kernel looks ten times in a window.
        #expect(time < Double(trigger.windowMicroseconds) / 1e6 + EventTests.bound)
        report("pressure, window \(trigger.windowMicroseconds)", time)
    }
}

/// A moment that another thread notes.
private final class Moment: @unchecked Sendable {
    private let lock = NSLock()
    private var time: Double?

    var value: Double? { lock.withLock { time } }
    func note() { lock.withLock { time = now() } }
}

/// Lets another thread do something while the loop waits, and says how many seconds later it was heard.
private func latency(_ loop: EventLoop, _ act: @escaping @Sendable () -> Void, until isHeard: () -> Bool) throws
    -> Double
{
    let task = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
    let moment = Moment()
    Thread.detachNewThread {
        _ = eventually(5) { isAsleep(task) }
        moment.note()
        act()
    }
    let end = now() + 10
    while !isHeard(), now() < end { _ = try loop.runOnce(timeoutMilliseconds: 100) }
    let heard = now()
    try #require(isHeard())
    return heard - (try #require(moment.value))
}

/// Whether a thread (`PID/task/TID`) waits.
private func isAsleep(_ task: String) -> Bool {
    let text = try? String(contentsOfFile: "/proc/\(task)/stat", encoding: .utf8)
    return text?.split(separator: ")").last?.hasPrefix(" S") == true
}
