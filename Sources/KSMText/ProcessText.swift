package import KSMModel

/// The fields of `/proc/PID/stat` that ksmd uses.
package struct ProcessStat: Equatable, Sendable {
    package var pid: Int32
    /// The process name, at most 15 bytes, which may hold anything: spaces, `)`, newlines.
    package var comm: String
    package var state: UInt8
    package var parent: Int32
    package var flags: UInt64
    /// CPU time in clock ticks.
    package var userTicks: UInt64
    package var systemTicks: UInt64
    /// Start in clock ticks since boot.
    package var startTicks: UInt64

    /// A thread of the kernel: PF_KTHREAD of include/linux/sched.h.
    package var isKernelThread: Bool { flags & 0x0020_0000 != 0 }

    /// The kernel's own `ksmd`: a kernel thread whose parent is kthreadd (pid 2).
    package var isScannerThread: Bool { isKernelThread && parent == 2 && comm == "ksmd" }

    /// Parses the text; the name ends at the last `)` (man 5 proc_pid_stat: fields 1–4, 9, 14, 15, 22).
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> ProcessStat {
        guard let open = text.first(UInt8(ascii: "(")), let close = text.last(UInt8(ascii: ")")), open < close else {
            throw broken(text)
        }
        var position = 0
        guard let pid = text.unsigned(text.word(in: 0..<open, from: &position)).flatMap({ Int32(exactly: $0) }) else {
            throw broken(text)
        }
        // Field n of the manual is fields[n - 3].
        let rest = close + 1..<text.count
        position = rest.lowerBound
        var numbers = InlineArray<20, UInt64>(repeating: 0)
        let state = text.word(in: rest, from: &position)
        guard state.count == 1 else { throw broken(text) }
        for index in 1..<20 {
            let word = text.word(in: rest, from: &position)
            // tty_nr, tpgid, priority and nice can be negative; none of them is used.
            guard let value = text.signed(word).map({ UInt64(bitPattern: $0) }) ?? text.unsigned(word) else {
                throw broken(text)
            }
            numbers[index] = value
        }
        return ProcessStat(
            pid: pid,
            comm: text.string(open + 1..<close),
            state: text[state.lowerBound],
            parent: Int32(truncatingIfNeeded: numbers[1]),
            flags: numbers[6],
            userTicks: numbers[11],
            systemTicks: numbers[12],
            startTicks: numbers[19]
        )
    }

    private static func broken(_ text: Span<UInt8>) -> TextError {
        TextError(expected: "the fields of a process", found: text)
    }
}

/// `/proc/PID/statm`: the first two numbers, in pages.
package struct ProcessMemory: Equatable, Sendable {
    /// 0 for a process that has given up its memory (a zombie).
    package var sizePages: UInt64
    package var residentPages: UInt64

    /// Parses the text.
    ///
    /// Source: proc_pid_statm of fs/proc/array.c.
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> ProcessMemory {
        let line = text.line(from: 0).line
        var position = 0
        guard
            let size = text.unsigned(text.word(in: line, from: &position)),
            let resident = text.unsigned(text.word(in: line, from: &position))
        else { throw TextError(expected: "seven numbers of pages", found: text) }
        return ProcessMemory(sizePages: size, residentPages: resident)
    }
}

/// Numbers that stand alone in a file of a process.
package enum ProcessNumber {
    /// `ksm_merging_pages`: one number.
    ///
    /// An empty file is a process without memory: 0.
    package static func mergingPages(_ text: Span<UInt8>) throws(TextError) -> UInt64 {
        if text.isEmpty { return 0 }
        return try first(text)
    }

    /// `schedstat`: time on a CPU in nanoseconds, the first of three numbers (proc_pid_schedstat of fs/proc/base.c).
    package static func cpuNanoseconds(_ text: Span<UInt8>) throws(TextError) -> UInt64 {
        try first(text)
    }

    /// `/proc/uptime`: whole seconds since boot.
    package static func uptimeSeconds(_ text: Span<UInt8>) throws(TextError) -> UInt64 {
        var end = 0
        while end < text.count, text[end] != UInt8(ascii: ".") { end += 1 }
        guard let seconds = text.unsigned(0..<end) else { throw TextError(expected: "seconds since boot", found: text) }
        return seconds
    }

    /// `smaps_rollup`: the `Pss:` line in KiB.
    package static func pssKiB(_ text: Span<UInt8>) -> UInt64? {
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            if text.equals("Pss:", in: text.word(in: line, from: &position)) {
                return text.unsigned(text.word(in: line, from: &position))
            }
        }
        return nil
    }

    private static func first(_ text: Span<UInt8>) throws(TextError) -> UInt64 {
        var position = 0
        guard let value = text.unsigned(text.word(in: 0..<text.count, from: &position)) else {
            throw TextError(expected: "a decimal number", found: text)
        }
        return value
    }
}

extension KSMStat {
    /// Parses `/proc/PID/ksm_stat`, in which lines are `key value` or `key: value`, and numbers or yes/no.
    ///
    /// An empty file (kernel thread, zombie) gives no values. Unknown lines are left alone. Source: proc_pid_ksm_stat
    /// of fs/proc/base.c, 6.1 to 6.18.
    package static func parse(_ text: Span<UInt8>) -> KSMStat {
        var stat = KSMStat()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            var key = text.word(in: line, from: &position)
            if let last = key.last, text[last] == UInt8(ascii: ":") { key = key.lowerBound..<last }
            stat.take(text, key, text.word(in: line, from: &position))
        }
        return stat
    }

    private mutating func take(_ text: Span<UInt8>, _ key: ByteRange, _ value: ByteRange) {
        if text.equals("ksm_rmap_items", in: key) {
            rmapItems = text.unsigned(value)
        } else if text.equals("ksm_zero_pages", in: key) {
            zeroPages = text.signed(value)
        } else if text.equals("ksm_merging_pages", in: key) {
            mergingPages = text.unsigned(value)
        } else if text.equals("ksm_process_profit", in: key) {
            processProfitBytes = text.signed(value)
        } else if text.equals("ksm_merge_any", in: key) {
            mergeAny = text.flag(value)
        } else if text.equals("ksm_mergeable", in: key) {
            mergeable = text.flag(value)
        }
    }
}

extension Span<UInt8> {
    fileprivate func flag(_ range: ByteRange) -> Bool? {
        equals("yes", in: range) ? true : equals("no", in: range) ? false : nil
    }

    fileprivate func first(_ byte: UInt8) -> Int? {
        for index in 0..<count where self[index] == byte { return index }
        return nil
    }

    fileprivate func last(_ byte: UInt8) -> Int? {
        var index = count
        while index > 0 {
            index -= 1
            if self[index] == byte { return index }
        }
        return nil
    }
}
