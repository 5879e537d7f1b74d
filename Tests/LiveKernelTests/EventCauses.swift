import Foundation
import Glibc
import KSMTestSupport
import Testing

/// Seconds of the monotonic clock.
func now() -> Double { ProcessInfo.processInfo.systemUptime }

/// Prints figures for whoever asks for them with `KSMD_MEASURE`.
func report(_ what: String, _ seconds: Double...) {
    guard getenv("KSMD_MEASURE") != nil else { return }
    print("measured: \(what):", seconds.map { "\(Int($0 * 1e6)) µs" }.joined(separator: ", "))
}

/// A virtual machine without anything in it.
final class KVM: @unchecked Sendable {
    private let device: Int32
    /// The kernel's message comes before the call that makes the machine returns.
    private let lock = NSLock()
    private var machine: Int32 = -1

    static var makesMachines: Bool {
        guard let kvm = try? KVM() else { return false }
        kvm.make()
        defer { kvm.end() }
        return kvm.machine >= 0
    }

    init() throws {
        device = open("/dev/kvm", O_RDWR | O_CLOEXEC)
        guard device >= 0 else { throw POSIXError(.ENODEV) }
    }

    deinit {
        close(device)
    }

    /// KVM_CREATE_VM of linux/kvm.h.
    func make() { lock.withLock { machine = ioctl(device, 0xAE01, 0) } }
    func end() { _ = lock.withLock { close(machine) } }
}

/// A device whose messages can be caused by hand.
struct Uevent {
    var path: String

    static let kvm = Uevent(path: "/sys/devices/virtual/misc/kvm/uevent")
    static let null = Uevent(path: "/sys/devices/virtual/mem/null/uevent")

    var isWritable: Bool { access(path, W_OK) == 0 }

    func cause() {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        write(descriptor, "change", 6)
        close(descriptor)
    }
}

/// Where cgroups can be made.
enum ScratchCgroup {
    static let unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
        access($0 + "/cgroup.controllers", F_OK) == 0 && access($0, W_OK) == 0
    }

    static let memory: (directory: String, limit: String)? = [
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"),
    ].first { directory, limit in
        guard access(directory, W_OK) == 0 else { return false }
        if limit == "memory.limit_in_bytes" { return access("\(directory)/\(limit)", F_OK) == 0 }
        let enabled = try? String(contentsOfFile: directory + "/cgroup.subtree_control", encoding: .utf8)
        return enabled?.contains("memory") == true
    }
}

/// A program that waits for memory all the time: it reads a file over and over in a cgroup that is smaller.
final class Squeeze {
    private static let pressure = "/proc/pressure/memory"

    static var isPossible: Bool { ScratchCgroup.memory != nil && access(pressure, W_OK) == 0 && geteuid() == 0 }

    /// CAP_SYS_RESOURCE, number 24 of linux/capability.h.
    static var mayHaveShortWindows: Bool {
        let status = try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let mask = line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
        return mask >> 24 & 1 == 1
    }

    private let directory: String
    private let file: String
    private let program: Program

    init() throws {
        let cgroup = try #require(ScratchCgroup.memory)
        directory = "\(cgroup.directory)/ksmd-test-\(getpid())-squeeze"
        // Not in memory, as /tmp may be: what is read has to be droppable.
        file = "/var/tmp/ksmd-test-\(getpid())-squeeze"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let work =
            "echo \(8 << 20) >'\(directory)/\(cgroup.limit)' && echo $$ >'\(directory)/cgroup.procs' && "
            + "head -c \(64 << 20) /dev/zero >\(file) && while :; do cat \(file) >/dev/null; done"
        program = try Program("/bin/sh", ["-c", work])
    }

    func end() {
        program.send(SIGSTOP)
        _ = eventually {
            let pids = (try? String(contentsOfFile: directory + "/cgroup.procs", encoding: .utf8)) ?? ""
            for pid in pids.split(separator: "\n").compactMap({ Int32($0) }) { kill(pid, SIGKILL) }
            program.send(SIGKILL)
            return rmdir(directory) == 0
        }
        program.wait()
        unlink(file)
    }

    /// Microseconds for which some process has waited for memory, since boot.
    static func stalled() throws -> UInt64 {
        let text = try String(contentsOfFile: pressure, encoding: .utf8)
        let some = try #require(text.split(separator: "\n").first { $0.hasPrefix("some") })
        return try #require(some.split(separator: "=").last.flatMap { UInt64($0) })
    }
}

/// What tells ksmd that a guest has come or gone.
enum Teller: String, CaseIterable {
    case uevent, libvirtHook, sigusr1

    static let here = allCases.filter { $0 != .uevent || KVM.makesMachines }
}

/// Makes one of them tell.
final class Cause {
    private let teller: Teller
    private let machine: KVM?
    /// The hook does not wait, but `Process` waits for whoever has its socket, so nobody waits for that.
    private var hooks: [Program] = []

    init(_ teller: Teller) throws {
        self.teller = teller
        machine = teller == .uevent ? try KVM() : nil
    }

    func tell(_ daemon: WatchedDaemon, _ isThere: Bool) throws {
        switch teller {
        case .uevent: isThere ? machine?.make() : machine?.end()
        case .sigusr1: daemon.program.send(SIGUSR1)
        case .libvirtHook: try callHook(isThere ? "started" : "release")
        }
    }

    private func callHook(_ operation: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = "PATH=\(Program.directory.path):/usr/bin:/bin"
        let words = [path, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent", root.path + "/packaging/libvirt/ksmd"]
        hooks.append(try Program("/usr/bin/env", words + ["web", operation, "begin", "-"]))
    }
}
