package import KSMModel

extension MemoryInfo {
    /// Parses `/proc/meminfo`; lines that are missing or are not numbers stay `nil`.
    ///
    /// Source: fs/proc/meminfo.c. Values are in KiB although the file says kB.
    package static func parse(_ text: Span<UInt8>) -> MemoryInfo {
        var info = MemoryInfo()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            info.take(text, line)
        }
        return info
    }

    private mutating func take(_ text: Span<UInt8>, _ line: ByteRange) {
        var position = line.lowerBound
        let key = text.word(in: line, from: &position)
        let value = text.unsigned(text.word(in: line, from: &position))
        if text.equals("MemTotal:", in: key) {
            memTotalKiB = value
        } else if text.equals("MemFree:", in: key) {
            memFreeKiB = value
        } else if text.equals("MemAvailable:", in: key) {
            memAvailableKiB = value
        } else if text.equals("Buffers:", in: key) {
            buffersKiB = value
        } else if text.equals("Cached:", in: key) {
            cachedKiB = value
        } else if text.equals("AnonPages:", in: key) {
            anonPagesKiB = value
        } else if text.equals("SwapTotal:", in: key) {
            swapTotalKiB = value
        } else if text.equals("SwapFree:", in: key) {
            swapFreeKiB = value
        }
    }
}

extension NodeMemory {
    /// Parses `/sys/devices/system/node/nodeN/meminfo` (`Node 0 MemTotal: 6170972 kB`); `nil` when total or free is
    /// missing.
    ///
    /// Source: node_read_meminfo of drivers/base/node.c.
    package static func parse(_ text: Span<UInt8>, node: Int) -> NodeMemory? {
        var lines = NodeLines()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            lines.take(text, line)
        }
        guard let total = lines.total, let free = lines.free else { return nil }
        var memory = NodeMemory(node: node, totalKiB: total, freeKiB: free, anonKiB: lines.anon, fileKiB: lines.file)
        memory.reclaimableKiB = lines.reclaimable
        return memory
    }
}

/// The lines of a node's meminfo that ksmd uses, in KiB.
private struct NodeLines {
    var total: UInt64?
    var free: UInt64?
    var anon: UInt64?
    var file: UInt64?
    private var activeFile: UInt64?
    private var inactiveFile: UInt64?
    private var kernelReclaimable: UInt64?
    private var slabReclaimable: UInt64?

    /// `KReclaimable` is there from 4.20; it holds the slabs that can be given back, and more.
    var reclaimable: UInt64? {
        guard let activeFile, let inactiveFile, let kernel = kernelReclaimable ?? slabReclaimable else { return nil }
        return activeFile.saturatingAdd(inactiveFile).saturatingAdd(kernel)
    }

    mutating func take(_ text: Span<UInt8>, _ line: ByteRange) {
        var position = line.lowerBound
        _ = text.word(in: line, from: &position)
        _ = text.word(in: line, from: &position)
        let key = text.word(in: line, from: &position)
        let value = text.unsigned(text.word(in: line, from: &position))
        if text.equals("MemTotal:", in: key) {
            total = value
        } else if text.equals("MemFree:", in: key) {
            free = value
        } else if text.equals("AnonPages:", in: key) {
            anon = value
        } else if text.equals("FilePages:", in: key) {
            file = value
        } else if text.equals("Active(file):", in: key) {
            activeFile = value
        } else if text.equals("Inactive(file):", in: key) {
            inactiveFile = value
        } else if text.equals("KReclaimable:", in: key) {
            kernelReclaimable = value
        } else if text.equals("SReclaimable:", in: key) {
            slabReclaimable = value
        }
    }
}

extension UInt64 {
    /// The sum, or the largest number where it does not fit.
    fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension PressureStall {
    /// Parses `/proc/pressure/memory`; a line that is missing or broken is `nil`.
    ///
    /// Source: psi_show of kernel/sched/psi.c (`some avg10=0.00 avg60=0.00 avg300=0.00 total=0`).
    package static func parse(_ text: Span<UInt8>) -> PressureStall {
        var result = PressureStall()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            let kind = text.word(in: line, from: &position)
            if text.equals("some", in: kind) {
                result.some = Line(text, position..<line.upperBound)
            } else if text.equals("full", in: kind) {
                result.full = Line(text, position..<line.upperBound)
            }
        }
        return result
    }
}

extension PressureStall.Line {
    fileprivate init?(_ text: Span<UInt8>, _ range: ByteRange) {
        var position = range.lowerBound
        guard
            let avg10 = text.hundredths(after: "avg10=", text.word(in: range, from: &position)),
            let avg60 = text.hundredths(after: "avg60=", text.word(in: range, from: &position)),
            let avg300 = text.hundredths(after: "avg300=", text.word(in: range, from: &position)),
            let total = text.value(after: "total=", text.word(in: range, from: &position))
        else { return nil }
        self.init(avg10: avg10, avg60: avg60, avg300: avg300, totalMicroseconds: total)
    }
}

extension Span<UInt8> {
    /// The part of `word` behind `prefix`; `nil` when it does not start with it.
    private func rest(of word: ByteRange, after prefix: StaticString) -> ByteRange? {
        let length = prefix.utf8CodeUnitCount
        guard word.count >= length, equals(prefix, in: word.lowerBound..<word.lowerBound + length) else { return nil }
        return word.lowerBound + length..<word.upperBound
    }

    fileprivate func value(after prefix: StaticString, _ word: ByteRange) -> UInt64? {
        rest(of: word, after: prefix).flatMap { unsigned($0) }
    }

    /// `12.34` as 1234: two decimals as psi_show prints them, at most 100.00.
    fileprivate func hundredths(after prefix: StaticString, _ word: ByteRange) -> UInt32? {
        guard let number = rest(of: word, after: prefix), number.count >= 4 else { return nil }
        let point = number.upperBound - 3
        guard
            self[point] == UInt8(ascii: "."),
            let whole = unsigned(number.lowerBound..<point), whole <= 100,
            let fraction = unsigned(point + 1..<number.upperBound), whole * 100 + fraction <= 10_000
        else { return nil }
        return UInt32(whole * 100 + fraction)
    }
}

extension KSMEvents {
    /// Parses the KSM lines of `/proc/vmstat` (`cow_ksm 12`).
    ///
    /// Source: vmstat_text of mm/vmstat.c.
    package static func parse(_ text: Span<UInt8>) -> KSMEvents {
        var events = KSMEvents()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            let key = text.word(in: line, from: &position)
            if text.equals("cow_ksm", in: key) {
                events.cow_ksm = text.unsigned(text.word(in: line, from: &position))
            } else if text.equals("ksm_swpin_copy", in: key) {
                events.ksm_swpin_copy = text.unsigned(text.word(in: line, from: &position))
            }
        }
        return events
    }
}
