import KSMModel
import KSMText

/// Files of `/proc/PID`.
enum ProcessChecks {
    static func stat(_ input: [UInt8]) throws(Violation) {
        guard let stat = try? ProcessStat.parse(input.span) else { return }
        try ensure(stat.pid >= 0, "a pid of \(stat.pid)")
        try ensure(!Plain.isSpace(stat.state), "a state of \(stat.state)")
        let open = input.firstIndex(of: UInt8(ascii: "(")) ?? 0
        let close = input.lastIndex(of: UInt8(ascii: ")")) ?? 0
        try same(stat.comm, String(decoding: input[(open + 1)..<close], as: UTF8.self), "the name of a process")
        var text = Array("\(stat.pid) (\(stat.comm)) ".utf8)
        text.append(stat.state)
        text += " \(stat.parent) 0 0 0 -1 \(stat.flags) 0 0 0 0 \(stat.userTicks) \(stat.systemTicks)".utf8
        text += " 0 0 20 -19 1 0 \(stat.startTicks) 0\n".utf8
        try same(try? ProcessStat.parse(text.span), stat, "a process printed and parsed")
        _ = stat.isScannerThread
    }

    static func statm(_ input: [UInt8]) throws(Violation) {
        let words = Plain.lines(input)[0]
        let memory = try? ProcessMemory.parse(input.span)
        guard words.count >= 2, let size = Plain.unsigned(words[0]), let resident = Plain.unsigned(words[1]) else {
            return try same(memory, nil, "statm without two numbers")
        }
        try same(memory?.sizePages, size, "size")
        try same(memory?.residentPages, resident, "resident memory")
    }

    /// `ksm_merging_pages`, `schedstat` and `/proc/uptime`.
    static func number(_ input: [UInt8]) throws(Violation) {
        let first = Plain.unsigned(Plain.lines(input).first { !$0.isEmpty }?.first)
        try same(try? ProcessNumber.cpuNanoseconds(input.span), first, "the first number")
        try same(try? ProcessNumber.mergingPages(input.span), input.isEmpty ? 0 : first, "merging pages")
        let whole = Plain.unsigned(input.prefix { $0 != UInt8(ascii: ".") })
        try same(try? ProcessNumber.uptimeSeconds(input.span), whole, "whole seconds")
    }

    static func smapsRollup(_ input: [UInt8]) throws(Violation) {
        let line = Plain.lines(input).first { $0.first?.elementsEqual("Pss:".utf8) == true }
        try same(ProcessNumber.pssKiB(input.span), Plain.unsigned(line?.dropFirst().first), "Pss")
    }

    static func ksmStat(_ input: [UInt8]) throws(Violation) {
        let lines = Plain.lines(input).map { line in
            line.isEmpty ? [] : [line[0].last == UInt8(ascii: ":") ? line[0].dropLast() : line[0]] + line.dropFirst()
        }
        func word(_ key: String) -> ArraySlice<UInt8>? { Plain.last(key, in: lines) }
        func flag(_ key: String) -> Bool? {
            word(key).flatMap { $0.elementsEqual("yes".utf8) ? true : $0.elementsEqual("no".utf8) ? false : nil }
        }
        var wanted = KSMStat()
        wanted.rmapItems = Plain.unsigned(word("ksm_rmap_items"))
        wanted.zeroPages = Plain.signed(word("ksm_zero_pages"))
        wanted.mergingPages = Plain.unsigned(word("ksm_merging_pages"))
        wanted.processProfitBytes = Plain.signed(word("ksm_process_profit"))
        wanted.mergeAny = flag("ksm_merge_any")
        wanted.mergeable = flag("ksm_mergeable")
        try same(KSMStat.parse(input.span), wanted, "ksm_stat")
    }

    static func commandLine(_ input: [UInt8]) throws(Violation) {
        guard let name = GuestCommandLine.name(input.span) else { return }
        try ensure(!name.isEmpty, "a guest without a name")
        try ensure(name.utf8.count <= 256, "a name of \(name.utf8.count) bytes")
        for scalar in name.unicodeScalars {
            let isControl = scalar.value < 0x20 || (scalar.value >= 0x7f && scalar.value < 0xa0)
            try ensure(!isControl, "a control character, \(scalar.value)")
        }
        // In QEMU's notation a comma of the name is two.
        let escaped = name.utf8.flatMap { $0 == UInt8(ascii: ",") ? [$0, $0] : [$0] }
        let text = Array("qemu-kvm\0-name\0debug-threads=on,guest=".utf8) + escaped + Array("\0-m\01G\0".utf8)
        try same(GuestCommandLine.name(text.span), name, "a name printed and parsed")
    }
}
