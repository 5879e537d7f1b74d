package import Foundation

/// A recorded machine in a temporary directory, which goes with it.
package final class FixtureMachine {
    package let path: String

    /// A machine of 16 GiB on a 6.18 kernel with KSM stopped and nothing merged.
    package init(ksm: [String: String] = FixtureMachine.newestKSM) throws {
        path = NSTemporaryDirectory() + "ksmd-fixture-\(UUID().uuidString)"
        for (name, value) in ksm { try write("sys/kernel/mm/ksm/\(name)", value + "\n") }
        try memory(totalKiB: 16_777_216, freeKiB: 12_582_912)
        try write("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
        try write("proc/uptime", "1000000.00 900.00\n")
        try write("proc/vmstat", "cow_ksm 12\n")
        try write("sys/devices/system/node/has_memory", "0\n")
        try write(
            "sys/devices/system/node/node0/meminfo",
            "Node 0 MemTotal: 16777216 kB\nNode 0 MemFree: 12582912 kB\n"
        )
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The 24 attributes of 6.18 at the kernel's defaults.
    package static let newestKSM: [String: String] = [
        "run": "0", "pages_to_scan": "100", "sleep_millisecs": "20", "merge_across_nodes": "1", "use_zero_pages": "0",
        "max_page_sharing": "256", "stable_node_chains_prune_millisecs": "2000", "smart_scan": "1",
        "advisor_mode": "[none] scan-time", "advisor_max_cpu": "70", "advisor_min_pages_to_scan": "500",
        "advisor_max_pages_to_scan": "30000", "advisor_target_scan_time": "200", "pages_shared": "0",
        "pages_sharing": "0", "pages_unshared": "0", "pages_volatile": "0", "full_scans": "0",
        "stable_node_chains": "0",
        "stable_node_dups": "0", "general_profit": "0", "pages_scanned": "0", "ksm_zero_pages": "0",
        "pages_skipped": "0",
    ]

    /// The 14 attributes of 5.4 to 6.3.
    package static let oldestKSM = newestKSM.filter { name, _ in
        [
            "run", "pages_to_scan", "sleep_millisecs", "merge_across_nodes", "use_zero_pages", "max_page_sharing",
            "stable_node_chains_prune_millisecs", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile",
            "full_scans", "stable_node_chains", "stable_node_dups",
        ].contains(name)
    }

    package func url(_ file: String) -> URL { URL(fileURLWithPath: path + "/" + file) }

    package func write(_ file: String, _ text: String) throws {
        try write(file, Data(text.utf8))
    }

    package func write(_ file: String, _ data: Data) throws {
        let url = url(file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    package func read(_ file: String) -> String? {
        (try? Data(contentsOf: url(file))).map { String(decoding: $0, as: UTF8.self) }
    }

    package func remove(_ file: String) throws {
        try FileManager.default.removeItem(at: url(file))
    }

    /// One attribute without its newline.
    package subscript(attribute: String) -> String? {
        get { read("sys/kernel/mm/ksm/\(attribute)")?.trimmingCharacters(in: .whitespacesAndNewlines) }
        set { try? newValue.map { try write("sys/kernel/mm/ksm/\(attribute)", $0 + "\n") } }
    }

    package func memory(totalKiB: UInt64, freeKiB: UInt64) throws {
        let text =
            "MemTotal: \(totalKiB) kB\nMemFree: \(freeKiB) kB\nMemAvailable: \(freeKiB) kB\nBuffers: 0 kB\nCached: 0 kB\n"
        try write("proc/meminfo", text)
    }

    /// A process; `merging` and `stat` are its `ksm_merging_pages` and `ksm_stat`.
    package func process(
        _ pid: Int,
        _ comm: String,
        arguments: [String] = [],
        residentPages: UInt64 = 1000,
        startTicks: UInt64 = 500,
        kernelThread: Bool = false,
        merging: String? = "0\n",
        ksmStat: String? = nil
    ) throws {
        let flags = kernelThread ? 2_129_984 : 4_194_560
        let parent = kernelThread ? 2 : 1
        let stat = "\(pid) (\(comm)) S \(parent) 1 1 0 -1 \(flags) 0 0 0 0 7 5 0 0 20 0 1 0 \(startTicks) 1000 250\n"
        try write("proc/\(pid)/stat", stat)
        try write("proc/\(pid)/statm", kernelThread ? "0 0 0 0 0 0 0\n" : "5000 \(residentPages) 10 1 0 500 0\n")
        try write("proc/\(pid)/cmdline", arguments.map { $0 + "\0" }.joined())
        try write("proc/\(pid)/schedstat", "123456789 5 7\n")
        if let merging { try write("proc/\(pid)/ksm_merging_pages", merging) }
        if let ksmStat { try write("proc/\(pid)/ksm_stat", ksmStat) }
    }

    /// A guest called `name`.
    package func guest(_ pid: Int, _ name: String, residentPages: UInt64 = 1000, merging: String = "0\n") throws {
        try process(
            pid,
            "qemu-system-x86",
            arguments: ["/usr/bin/qemu-system-x86_64", "-name", "guest=\(name),debug-threads=on"],
            residentPages: residentPages,
            merging: merging
        )
    }
}
