import Testing

import KSMText

@Suite("What goes into a record")
struct ExcerptTests {
    private static let commandLines: [([String], [String])] = [
        ([], []),
        (["qemu-system-x86_64"], ["qemu-system-x86_64"]),
        (
            ["/usr/bin/qemu-system-x86_64", "-name", "guest=web1,debug-threads=on", "-m", "4G"],
            ["/usr/bin/qemu-system-x86_64", "-name", "guest=web1,debug-threads=on"]
        ),
        (["kvm", "-object", "secret,id=s,data=hunter2", "-enable-kvm"], ["kvm", "-enable-kvm"]),
        (["q", "-accel", "kvm,thread=multi", "--name", "x"], ["q", "-accel", "kvm", "--name", "x"]),
        (["q", "-machine", "pc-q35,accel=kvm:tcg,memory-encryption=key0"], ["q", "-machine", "accel=kvm:tcg"]),
        (["q", "-M", "pc"], ["q"]),
        (["q", "-name"], ["q", "-name", ""]),
        (["q", "-vnc", "password=-name", "-append", "x"], ["q"]),
    ]

    @Test("Of a guest's command line: program, name, accelerator", arguments: commandLines)
    func commandLine(words: [String], expected: [String]) {
        func bytes(_ words: [String]) -> [UInt8] { Array(words.map { $0 + "\0" }.joined().utf8) }
        #expect(ProcessExcerpt.commandLine(bytes(words)) == bytes(expected))
    }

    @Test("Of a process' numbers: all but its addresses, and hostile names do not move the fields")
    func statistics() {
        let head = "12 (a) b\n) S " + (4...25).map(String.init).joined(separator: " ")
        let full = head + " " + (26...52).map { String($0 * 1000) }.joined(separator: " ") + "\n"
        let expected = head + String(repeating: " 0", count: 27) + "\n"
        #expect(String(decoding: ProcessExcerpt.statistics(Array(full.utf8)), as: UTF8.self) == expected)
        #expect(ProcessExcerpt.statistics([]).isEmpty)
        #expect(ProcessExcerpt.statistics(Array("12 ()".utf8)) == Array("12 ()\n".utf8))
    }

    @Test("Of smaps_rollup: the sizes, not the addresses")
    func smaps() {
        let text = "55d0c0000000-7fff00000000 ---p 00000000 00:00 0    [rollup]\nRss:  4 kB\nPss_Anon: 2 kB\n"
        let kept = ProcessExcerpt.withoutAddresses(Array(text.utf8))
        #expect(String(decoding: kept, as: UTF8.self) == "Rss:  4 kB\nPss_Anon: 2 kB\n")
    }
}
