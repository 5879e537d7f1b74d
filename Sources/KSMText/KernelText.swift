package import KSMModel

extension KernelFacts {
    /// Takes the version out of `/proc/sys/kernel/osrelease`: `6.18.44-amd64`.
    ///
    /// Anything else leaves it unknown.
    package mutating func takeRelease(_ text: Span<UInt8>) {
        let line = text.line(from: 0).line
        let major = text.digits(in: line, from: line.lowerBound)
        guard major.upperBound < line.upperBound, text[major.upperBound] == UInt8(ascii: ".") else { return }
        let minor = text.digits(in: line, from: major.upperBound + 1)
        guard let majorNumber = text.unsigned(major), let minorNumber = text.unsigned(minor) else { return }
        kernelMajor = majorNumber
        kernelMinor = minorNumber
    }

    /// A file with one number, such as `numa_balancing` and `pages_collapsed`; `nil` when it is none.
    package static func number(_ text: Span<UInt8>) -> UInt64? {
        var position = 0
        return text.unsigned(text.word(in: 0..<text.count, from: &position))
    }
}

extension Span<UInt8> {
    /// The digits from `start` on.
    fileprivate func digits(in line: ByteRange, from start: Int) -> ByteRange {
        var end = start
        while end < line.upperBound, self[end] >= UInt8(ascii: "0"), self[end] <= UInt8(ascii: "9") { end += 1 }
        return start..<end
    }
}
