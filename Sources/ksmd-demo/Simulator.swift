import KSMKernel
import KSMModel

/// A machine in a directory, with files like those that ksmd reads on a real one, and a scanner that moves them.
///
/// The kernel is like 6.6, the oldest with all counters that count. ksmd writes its settings into the same files.
final class Simulator {
    private static let ksm = "/sys/kernel/mm/ksm"
    private static let mebibytesPerGuest = 512
    private static let scannerPid = 40
    private static let firstPid = 1001
    /// Of the machine, in KiB: 8 GiB.
    private static let totalKiB = 8 << 20

    let mix: GuestMix
    private let root: KernelRoot
    private let pageSize = Int(GuestDirectory.pageSize)
    private var scanner: SimulatedScanner
    private var running: Int
    private var last: UInt64
    private let start: UInt64
    private var settings: [String: Int] = ["run": 0, "pages_to_scan": 100, "sleep_millisecs": 20]

    init(root path: String, guests: Int) throws(Failure) {
        mix = GuestMix(mebibytes: Simulator.mebibytesPerGuest, pageSize: Int(GuestDirectory.pageSize))
        scanner = SimulatedScanner(mix: mix, guests: guests)
        running = guests
        start = Clock.monotonicNanoseconds()
        last = start
        try Files.makeDirectory(path)
        do {
            root = try KernelRoot(path)
            try makeMachine()
            for guest in 0..<guests { try makeGuest(guest) }
            try update()
        } catch {
            throw Failure("make a simulated machine", path, errno: error.errno)
        }
    }

    /// Moves the machine up to now.
    func step() {
        let now = Clock.monotonicNanoseconds()
        let seconds = Double(now - last) / 1_000_000_000
        last = now
        for name in settings.keys { settings[name] = setting(name) }
        if settings["run"] == 2 { scanner.reset() }
        if settings["run"] == 1 {
            if running == 0, scanner.guests > 0 { scanner.forget() }
            scanner.advance(
                seconds: seconds,
                pagesToScan: settings["pages_to_scan"] ?? 100,
                sleepMilliseconds: settings["sleep_millisecs"] ?? 20
            )
        }
        // The disk is full or the directory gone: the figures stay as they are, and the show goes on.
        try? update()
    }

    /// The guests end.
    ///
    /// The scanner forgets them when it runs next.
    func endGuests() {
        for guest in 0..<running {
            for file in ["stat", "statm", "cmdline", "ksm_merging_pages", "ksm_stat"] {
                try? root.remove("/proc/\(Simulator.firstPid + guest)/\(file)")
            }
        }
        running = 0
    }

    /// What ksmd has written; a file that it is writing at this moment counts as unchanged.
    private func setting(_ name: String) -> Int? {
        guard let value = Attribute(name: name).flatMap({ try? root.readFile(KSMSysfs.path($0), limit: 64) }) else {
            return settings[name]
        }
        return Int(String(decoding: value.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) ?? settings[name]
    }

    private func put(_ path: String, _ text: String) throws(SystemError) {
        try root.replaceFile(path, Array(text.utf8))
    }

    // MARK: What does not move

    private func makeMachine() throws(SystemError) {
        let fixed: KeyValuePairs = [
            "run": 0, "pages_to_scan": 100, "sleep_millisecs": 20, "merge_across_nodes": 1, "use_zero_pages": 0,
            "max_page_sharing": SimulatedScanner.sharingLimit, "stable_node_chains_prune_millisecs": 2000,
            "stable_node_chains": 0, "stable_node_dups": 0, "ksm_zero_pages": 0,
        ]
        for (name, value) in fixed { try put("\(Simulator.ksm)/\(name)", "\(value)\n") }
        try put("/proc/vmstat", "cow_ksm 0\nksm_swpin_copy 0\n")
        let line = "avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        try put("/proc/pressure/memory", "some \(line)full \(line)")
        // PF_KTHREAD and parent 2: the scanner thread.
        try put("/proc/\(Simulator.scannerPid)/stat", stat(Simulator.scannerPid, "ksmd", parent: 2, flags: 0x20_0040))
        for directory in ["/etc/ksmd/", "/run/"] { try root.makeDirectories(for: directory) }
    }

    private func makeGuest(_ guest: Int) throws(SystemError) {
        let pid = Simulator.firstPid + guest
        try put("/proc/\(pid)/stat", stat(pid, "qemu-system-x86", parent: 1, flags: 0x40_0100))
        let words = ["qemu-system-x86_64", "-name", "guest=\(Fleet.guestName(guest + 1))"]
        try put("/proc/\(pid)/cmdline", words.map { $0 + "\0" }.joined())
        let overhead = (24 << 20) / pageSize
        try put("/proc/\(pid)/statm", "\(mix.pages * 2) \(mix.pages + overhead) \(overhead) 1 0 \(mix.pages) 0\n")
    }

    /// The 52 fields of `/proc/PID/stat`; those that nobody reads are 0.
    private func stat(_ pid: Int, _ comm: String, parent: Int, flags: Int) -> String {
        "\(pid) (\(comm)) S \(parent) 0 0 0 -1 \(flags)" + String(repeating: " 0", count: 12) + " 100"
            + String(repeating: " 0", count: 30) + "\n"
    }

    // MARK: What moves

    private func update() throws(SystemError) {
        try updateCounters()
        try updateMemory()
        for (guest, merged) in scanner.mergedPages.prefix(running).enumerated() {
            let directory = "/proc/\(Simulator.firstPid + guest)"
            try put("\(directory)/ksm_merging_pages", "\(merged)\n")
            let items = scanner.passes > 0 ? mix.pages : merged
            let profit = merged * pageSize - items * 64
            let lines =
                "ksm_rmap_items \(items)\nksm_zero_pages 0\nksm_merging_pages \(merged)\nksm_process_profit \(profit)\n"
            try put("\(directory)/ksm_stat", lines)
        }
    }

    private func updateCounters() throws(SystemError) {
        let now = scanner.counters
        let items = now.shared + now.sharing + now.unshared + now.changing
        let moving: KeyValuePairs = [
            "pages_shared": now.shared, "pages_sharing": now.sharing, "pages_unshared": now.unshared,
            "pages_volatile": now.changing, "full_scans": scanner.passes, "pages_scanned": scanner.pagesScanned,
            "general_profit": now.sharing * pageSize - items * 64,
        ]
        for (name, value) in moving { try put("\(Simulator.ksm)/\(name)", "\(value)\n") }
        let nanoseconds = Int(scanner.cpuSeconds * 1_000_000_000)
        try put("/proc/\(Simulator.scannerPid)/schedstat", "\(nanoseconds) 0 0\n")
    }

    private func updateMemory() throws(SystemError) {
        let used = (mix.pages * running - scanner.counters.sharing) * pageSize / 1024
        let cached = 512 << 10
        let free = max(64 << 10, Simulator.totalKiB - used - cached)
        try put(
            "/proc/meminfo",
            """
            MemTotal: \(Simulator.totalKiB) kB
            MemFree: \(free) kB
            MemAvailable: \(free + cached) kB
            Buffers: 0 kB
            Cached: \(cached) kB
            SwapTotal: 0 kB
            SwapFree: 0 kB
            AnonPages: \(used) kB

            """
        )
        let uptime = 1000 + (Clock.monotonicNanoseconds() - start) / 1_000_000_000
        try put("/proc/uptime", "\(uptime).00 \(uptime).00\n")
    }
}
