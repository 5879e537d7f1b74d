import Glibc
package import KSMModel
import KSMText

/// Reads all that one tick needs.
///
/// One call, one `Sample`.
package final class Sampler {
    package let ksm: KSMSysfs
    package let guests: GuestDirectory
    package let root: KernelRoot
    private let meminfo: KeptFile
    private let pressure: KeptFile
    private let vmstat: KeptFile
    private let uptime: KeptFile
    private let topology: NodeTopology
    private let nodes: NUMANodes

    /// - Parameters:
    ///   - root: the running machine or a recorded one.
    ///   - settings: which processes are guests, and what counts as their memory.
    package init(_ root: KernelRoot, _ settings: Settings) {
        let buffer = ReadBuffer()
        self.root = root
        ksm = KSMSysfs(root, buffer: buffer)
        guests = GuestDirectory(
            root,
            buffer: buffer,
            patterns: settings.guestNames,
            readsPss: settings.guestMetric == .pss
        )
        meminfo = KeptFile(root, "/proc/meminfo", buffer: buffer)
        pressure = KeptFile(root, "/proc/pressure/memory", buffer: buffer)
        vmstat = KeptFile(root, "/proc/vmstat", buffer: buffer)
        uptime = KeptFile(root, "/proc/uptime", buffer: buffer)
        topology = NodeTopology(root, buffer: buffer)
        nodes = NUMANodes(root, buffer: buffer)
    }

    /// Takes over which processes are guests; the next sample looks at all of them again.
    package func configure(_ settings: Settings) {
        guests.patterns = settings.guestNames
        guests.readsPss = settings.guestMetric == .pss
    }

    /// Reads everything.
    ///
    /// Never fails: what could not be read is `nil`, and `problems` of the sample says why.
    /// - Parameter withKSMStats: also the guests' `ksm_stat`, which can wait for a guest's memory map.
    package func sample(withKSMStats: Bool = false) -> Sample {
        var sample = Sample(monotonicNanoseconds: Clock.monotonicNanoseconds(), pageSize: GuestDirectory.pageSize)
        sample.ksm = ksm.readAll(problems: &sample.problems)
        do {
            sample.memory = try meminfo.read { MemoryInfo.parse($0) }
        } catch {
            sample.problems.append(error.description)
        }
        sample.pressure = pressure.readIfPresent(problems: &sample.problems) { PressureStall.parse($0) }
        sample.events = vmstat.readIfPresent(problems: &sample.problems) { KSMEvents.parse($0) } ?? KSMEvents()
        sample.topology = topology.read(problems: &sample.problems)
        sample.nodes = nodes.read(sample.memory, of: topology.withMemory, problems: &sample.problems)
        guests.refresh(bootSeconds: bootSeconds(), problems: &sample.problems)
        if withKSMStats { guests.readKSMStats(problems: &sample.problems) }
        sample.guests = guests.guests
        sample.scanner = guests.scanner
        return sample
    }

    /// Looks for guests that came and went; only when some did are all read again.
    ///
    /// - Returns: whether `sample` has new guests, or fewer.
    package func lookAtGuests(_ sample: inout Sample) -> Bool {
        guard guests.discover(bootSeconds: bootSeconds(), problems: &sample.problems) else { return false }
        guests.refresh(bootSeconds: bootSeconds(), problems: &sample.problems)
        sample.guests = guests.guests
        return true
    }

    /// The memory of the host and of each node, and nothing else: for who looks many times a second.
    package func memory() -> (host: MemoryInfo, nodes: [NodeMemory]) {
        var problems: [String] = []
        let host = (try? meminfo.read { MemoryInfo.parse($0) }) ?? MemoryInfo()
        return (host, nodes.read(host, of: topology.withMemory, problems: &problems))
    }

    /// Memory pressure, and nothing else.
    package func readPressure() -> PressureStall? {
        var problems: [String] = []
        return pressure.readIfPresent(problems: &problems) { PressureStall.parse($0) }
    }

    private func bootSeconds() -> UInt64 {
        if root.isLive { return Clock.bootSeconds() }
        return (try? uptime.read { try? ProcessNumber.uptimeSeconds($0) }) ?? nil ?? 0
    }
}

/// The kernel's clocks.
package enum Clock {
    /// CLOCK_MONOTONIC in nanoseconds.
    package static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

    /// Seconds since boot, suspension included: the clock of processes' start times.
    package static func bootSeconds() -> UInt64 { nanoseconds(CLOCK_BOOTTIME) / 1_000_000_000 }

    /// Seconds since 1970.
    package static func realtimeSeconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) / 1_000_000_000 }

    /// Microseconds since 1970, as the journal counts.
    package static func realtimeMicroseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) / 1000 }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(max(0, time.tv_nsec))
    }
}
