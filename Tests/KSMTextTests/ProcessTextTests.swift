import KSMModel
import KSMText
import Testing

private let tail = " S 1 10 10 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 123456 1000000 250 18446744073709551615 1 1 0"

@Suite("Files of a process")
struct ProcessTextTests {
    private func stat(_ text: String) throws -> ProcessStat { try ProcessStat.parse(Array(text.utf8).span) }

    @Test(
        "A process name may hold anything",
        arguments: ["qemu-system-x86", "foo) Z 1", "a b", "((", "))", "", "x) S 2 (ksmd", "new\nline", "ksmd"]
    )
    func names(_ name: String) throws {
        let stat = try stat("42 (\(name))\(tail)\n")
        #expect(stat.comm == name)
        #expect(stat.pid == 42)
        #expect(stat.parent == 1)
        #expect(stat.startTicks == 123_456)
        #expect(stat.userTicks == 7 && stat.systemTicks == 5)
        #expect(!stat.isScannerThread)
    }

    @Test("The scanner thread is a kernel thread of kthreadd called ksmd, and nothing else is")
    func scanner() throws {
        let kernel = " S 2 0 0 0 -1 2129984 0 0 0 0 3 9 0 0 25 5 1 0 70 0 0 18446744073709551615 0"
        #expect(try stat("37 (ksmd)\(kernel)").isScannerThread)
        #expect(try !stat("37 (kswapd0)\(kernel)").isScannerThread)
        // A daemon that calls itself ksmd, and a child of pid 2 in another pid namespace.
        #expect(try !stat("37 (ksmd)\(tail)").isScannerThread)
        #expect(try !stat("37 (ksmd) S 2 0 0 0 -1 4194560 0 0 0 0 3 9 0 0 25 5 1 0 70 0 0").isScannerThread)
    }

    @Test(
        "A broken stat is an error",
        arguments: [
            "", "\n", "42", "42 (x", "42 x) S", "x (y) S 1", "42 (x) S 1 2 3", "99999999999 (x)\(tail)", ")(",
            "42 (x) S 1 a\(tail)",
        ]
    )
    func broken(_ text: String) {
        #expect(throws: TextError.self) { try stat(text) }
    }

    @Test("statm: the first two numbers; a zombie has none left")
    func statm() throws {
        #expect(
            try ProcessMemory.parse(Array("1000 250 10 1 0 500 0\n".utf8).span)
                == ProcessMemory.parse(Array("1000 250".utf8).span)
        )
        #expect(try ProcessMemory.parse(Array("0 0 0 0 0 0 0\n".utf8).span).sizePages == 0)
        for text in ["", "1000", "1000 x", "-1 5", "99999999999999999999 1"] {
            #expect(throws: TextError.self) { try ProcessMemory.parse(Array(text.utf8).span) }
        }
    }

    @Test("ksm_stat of 6.1, 6.6, 6.12 and 6.18, mixed spellings and unknown lines")
    func ksmStat() {
        let newest = """
            ksm_rmap_items 512
            ksm_zero_pages 3
            ksm_merging_pages 400
            ksm_process_profit 1605632
            ksm_merge_any: no
            ksm_mergeable: yes
            ksm_something_new 7

            """
        let stat = KSMStat.parse(Array(newest.utf8).span)
        #expect(stat.rmapItems == 512 && stat.zeroPages == 3 && stat.mergingPages == 400)
        #expect(stat.processProfitBytes == 1_605_632 && stat.mergeAny == false && stat.mergeable == true)
        let oldest = KSMStat.parse(Array("ksm_rmap_items 9\n".utf8).span)
        #expect(oldest.rmapItems == 9 && oldest.zeroPages == nil && oldest.processProfitBytes == nil)
        #expect(KSMStat.parse(Array("ksm_process_profit -64\n".utf8).span).processProfitBytes == -64)
    }

    @Test(
        "Empty, truncated and wild ksm_stat gives no values",
        arguments: [
            "", "\n\n", "ksm_rmap_items", "ksm_rmap_items ", "ksm_rmap_items x", "ksm_rmap_items 99999999999999999999",
            "\u{0}",
        ]
    )
    func wildKSMStat(_ text: String) {
        #expect(KSMStat.parse(Array(text.utf8).span) == KSMStat())
    }

    @Test("Single numbers")
    func numbers() throws {
        #expect(try ProcessNumber.mergingPages(Array("1234\n".utf8).span) == 1234)
        #expect(try ProcessNumber.mergingPages([UInt8]().span) == 0)
        #expect(try ProcessNumber.cpuNanoseconds(Array("123456789 55 7\n".utf8).span) == 123_456_789)
        #expect(try ProcessNumber.uptimeSeconds(Array("12345.67 999.99\n".utf8).span) == 12345)
        #expect(throws: TextError.self) { try ProcessNumber.mergingPages(Array("x".utf8).span) }
        #expect(throws: TextError.self) { try ProcessNumber.cpuNanoseconds([UInt8]().span) }
        #expect(throws: TextError.self) { try ProcessNumber.uptimeSeconds(Array(".5".utf8).span) }
        #expect(
            ProcessNumber.pssKiB(Array("00-ff ---p\nRss:  9 kB\nPss:    123 kB\nPss_Dirty: 5 kB\n".utf8).span) == 123
        )
        #expect(ProcessNumber.pssKiB(Array("Rss: 9 kB\n".utf8).span) == nil)
    }
}

@Suite("A guest's name comes from -name")
struct GuestNameTests {
    private func name(_ arguments: [String]) -> String? {
        GuestCommandLine.name(Array(arguments.map { $0 + "\0" }.joined().utf8).span)
    }

    @Test(
        "Spellings of QEMU, libvirt and Proxmox",
        arguments: [
            (["/usr/bin/qemu-system-x86_64", "-name", "guest=vm1,debug-threads=on"], "vm1"),
            (["qemu-kvm", "-name", "vm2"], "vm2"),
            (["qemu-kvm", "--name", "vm3,process=qemu:vm3"], "vm3"),
            (["kvm", "-id", "100", "-name", "web,debug-threads=on"], "web"),
            (["q", "-name", "debug-threads=on,guest=late"], "late"),
            (["q", "-name", "guest=a,,b"], "a,b"),  // ,, is a comma of the name
            (["q", "-name", "guest=first", "-name", "guest=second"], "first"),
            (["q", "-name", "guest=tab\there"], "tab?here"),
            (["q", "-name", "guest=bell\u{9b}31m"], "bell?31m"),
            (["q", "-name", "guest=grün"], "grün"),
        ]
    )
    func named(_ arguments: [String], _ expected: String) {
        #expect(name(arguments) == expected)
    }

    @Test(
        "No name",
        arguments: [
            [], ["q"], ["q", "-name"], ["q", "-name", ""], ["q", "-name", "guest="], ["q", "-nameless", "x"],
            ["q", "-name", "process=x"], ["q", "-name", ","],
        ]
    )
    func unnamed(_ arguments: [String]) {
        #expect(name(arguments) == nil)
    }

    @Test("A name without end is cut, a command line without NUL is read")
    func long() {
        let text = "q\0-name\0guest=" + String(repeating: "x", count: 100_000)
        let cut = GuestCommandLine.name(Array(text.utf8).span)
        #expect((cut?.utf8.count ?? 0) <= 260)
        #expect(cut?.hasPrefix("xxxx") == true)
    }

    @Test("Commas without end take linear time")
    func commas() {
        let text = "q\0-name\0" + String(repeating: ",", count: 1_000_001)
        _ = GuestCommandLine.name(Array(text.utf8).span)
        let parts = "q\0-name\0" + String(repeating: "a,", count: 500_000)
        #expect(GuestCommandLine.name(Array(parts.utf8).span) == "a")
    }
}
