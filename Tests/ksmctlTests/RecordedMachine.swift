/// The files of a small host on kernel 6.6: one guest, one scanner thread, KSM stopped with something merged.
enum RecordedMachine {
    static let files: [String: String] = {
        var files = [
            "proc/meminfo":
                "MemTotal: 16777216 kB\nMemFree: 4194304 kB\nMemAvailable: 5000000 kB\nBuffers: 0 kB\nCached: 0 kB\n",
            "proc/uptime": "5000.00 9000.00\n",
            "proc/stat": "cpu  1 2 3 4\nbtime 1699995000\n",
            "proc/60/stat": "60 (ksmd) S 2 0 0 0 -1 2129984 0 0 0 0 0 42 0 0 25 5 1 0 50 0 0\n",
            "proc/60/schedstat": "1500000000 0 0\n",
            "proc/1234/stat": "1234 (qemu-system-x86) S 1 1 1 0 -1 4194560 0 0 0 0 1 1 0 0 20 0 1 0 3000 0 0\n",
            "proc/1234/cmdline": "/usr/bin/qemu-system-x86_64\0-name\0guest=web1\0",
            "proc/1234/statm": "600000 524288 0 0 0 0 0\n",
            "proc/1234/ksm_merging_pages": "1000\n",
            "proc/1234/ksm_stat": "ksm_rmap_items 2000\nksm_merging_pages 1000\nksm_process_profit 3968000\n",
        ]
        for (name, value) in [
            "run": "0", "pages_to_scan": "100", "sleep_millisecs": "20", "pages_shared": "100", "pages_sharing": "900",
            "pages_unshared": "5", "pages_volatile": "5", "full_scans": "7", "general_profit": "3600000",
            "use_zero_pages": "0", "ksm_zero_pages": "0", "merge_across_nodes": "1", "max_page_sharing": "256",
        ] {
            files["sys/kernel/mm/ksm/\(name)"] = value + "\n"
        }
        return files
    }()

    /// What a daemon of a later version might have left: unknown members, a strange type.
    static let stateFile = """
        {"version":1,"pid":77,"daemon_version":"9.9","policy":"classic","state":"stopped","reason_code":"enough-memory",
        "reason":"memory is not short","tick":12,"interval_ms":60000,"scanning_stopped_realtime":1699999160,
        "started_realtime":1699995100,"last_tick_realtime":1699999990,"scanner_cpu_permille":"many","news":[1,2],
        "guests":[{"pid":1234,"start_ticks":3000,"name":"web1","rss_bytes":5},{"name":"broken"}]}
        """
}
