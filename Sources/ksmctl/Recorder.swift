import Glibc
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMReport
import KSMText
import KSMTuner

/// Copies from the running machine what ksmd reads, and nothing secret.
struct Recorder {
    /// Files that are copied as they are.
    ///
    /// Missing ones are passed over: this kernel lacks them.
    static let plainFiles = [
        "/proc/meminfo", "/proc/vmstat", "/proc/pressure/memory", "/proc/uptime", "/proc/version",
        "/proc/sys/kernel/osrelease", "/proc/sys/kernel/numa_balancing", "/sys/devices/system/cpu/online",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/kernel/mm/transparent_hugepage/khugepaged/pages_collapsed",
        "/sys/kernel/mm/transparent_hugepage/khugepaged/full_scans", "/etc/ksmtuned.conf", "/etc/default/ksm",
        "/etc/sysconfig/ksm", StateFile.path, Hold.path, ScopeOverride.path,
    ]
    static let nodeLists = ["online", "possible", "has_memory", "has_normal_memory", "has_cpu"]
    static let nodeFiles = ["meminfo", "numastat", "distance", "cpulist"]
    /// The boot's name of every record: it would tell two records of one boot.
    static let bootID = "00000000-0000-4000-8000-000000000000"
    /// No file that ksmd reads is longer.
    private static let sizeLimit = 8 << 20

    private let source: KernelRoot
    private let target: KernelRoot
    private let settings: Settings
    /// Paths as on the machine.
    private(set) var written: [String] = []
    /// A sentence each.
    private(set) var unreadable: [String] = []
    private(set) var guestCount = 0

    init(_ source: KernelRoot, _ target: KernelRoot, _ settings: Settings) {
        self.source = source
        self.target = target
        self.settings = settings
    }

    /// - Throws: when the record cannot be written. What cannot be read is noted and left out.
    mutating func record() throws(SystemError) {
        try copyAll(in: KSMSysfs.directory)
        try recordNodes()
        for path in Recorder.plainFiles { try copy(path) }
        try copy("/proc/stat", Recorder.shortStatistics)
        try write("/proc/sys/kernel/random/boot_id", Array("\(Recorder.bootID)\n".utf8))
        for directory in ConfigurationFiles.directories {
            try copy(directory + "/ksmd.conf")
            try copyAll(in: directory + "/ksmd.conf.d")
        }
        try recordProcesses()
    }

    private mutating func recordNodes() throws(SystemError) {
        let directory = "/sys/devices/system/node"
        for name in Recorder.nodeLists { try copy("\(directory)/\(name)") }
        for name in list(directory) where name.hasPrefix("node") && name.dropFirst(4).allSatisfy(\.isWholeNumber) {
            for file in Recorder.nodeFiles { try copy("\(directory)/\(name)/\(file)") }
        }
    }

    private mutating func recordProcesses() throws(SystemError) {
        let sample = Sampler(source, settings).sample()
        if let scanner = sample.scanner {
            try recordNumbers(of: scanner.pid)
            try copy("/proc/\(scanner.pid)/schedstat")
        }
        guestCount = sample.guests.count
        for guest in sample.guests {
            try recordNumbers(of: guest.pid)
            try copy("/proc/\(guest.pid)/cmdline", ProcessExcerpt.commandLine)
            for file in ["statm", "ksm_stat", "ksm_merging_pages"] { try copy("/proc/\(guest.pid)/\(file)") }
            if settings.guestMetric == .pss {
                try copy("/proc/\(guest.pid)/smaps_rollup", ProcessExcerpt.withoutAddresses)
            }
        }
    }

    private mutating func recordNumbers(of pid: Int32) throws(SystemError) {
        try copy("/proc/\(pid)/stat", ProcessExcerpt.statistics)
        try copy("/proc/\(pid)/comm")
    }

    /// The lines that ksmd uses: CPU time of all, and when the machine was booted.
    private static func shortStatistics(_ bytes: [UInt8]) -> [UInt8] {
        ProcessExcerpt.lines(of: bytes) { $0.starts(with: "cpu ".utf8) || $0.starts(with: "btime ".utf8) }
    }

    private mutating func copyAll(in directory: String) throws(SystemError) {
        for name in list(directory) { try copy("\(directory)/\(name)") }
    }

    private mutating func list(_ directory: String) -> [String] {
        do {
            return try source.list(directory).sorted()
        } catch {
            note(error)
            return []
        }
    }

    private mutating func copy(_ path: String, _ change: ([UInt8]) -> [UInt8] = { $0 }) throws(SystemError) {
        let bytes: [UInt8]
        do {
            bytes = try source.readFile(path, limit: Recorder.sizeLimit)
        } catch {
            return note(error)
        }
        try write(path, change(bytes))
    }

    private mutating func write(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        try target.replaceFile(path, bytes)
        written.append(path)
    }

    /// What this kernel or machine does not have is no trouble.
    private mutating func note(_ error: SystemError) {
        if !error.isAbsent { unreadable.append(error.description) }
    }
}
