/// Arithmetic on numbers of unknown origin: what does not fit stops at the end of the range and never traps.
extension UInt64 {
    func plus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    func minus(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }

    func times(_ other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    /// That many percent of it, rounded down; `percent` is taken between 0 and 100.
    func percent(_ percent: Int64) -> UInt64 {
        let percent = UInt64(Swift.min(Swift.max(percent, 0), 100))
        // The quotient fits: it is at most the number itself.
        return UInt64(100).dividingFullWidth(multipliedFullWidth(by: percent)).quotient
    }

    /// That many pages in KiB.
    func pagesInKiB(_ pageSize: UInt64) -> UInt64 {
        // Pages are whole KiB on every machine that has KSM.
        times(pageSize / 1024)
    }

    /// The nearest whole number; what is below 0 or is no number becomes 0.
    init(bounded value: Double) {
        if value.isNaN || value <= 0 { self = 0 } else { self = UInt64(exactly: value.rounded()) ?? .max }
    }
}

/// Writes sizes for one sentence, all in one unit so that they can be compared: GiB with one decimal when the largest
/// has one, else MiB, else KiB.
struct Sizes {
    private enum Unit { case gib, mib, kib }

    private let unit: Unit

    /// - Parameter kib: the sizes that the sentence has, in KiB.
    init(_ kib: UInt64...) {
        let largest = kib.max() ?? 0
        unit = largest >= 1 << 20 ? .gib : largest >= 1 << 10 ? .mib : .kib
    }

    /// `3.2 GiB`, `512 MiB` or `40 KiB`, rounded to nearest.
    func text(_ kib: UInt64) -> String {
        switch unit {
        case .gib:
            // Tenths of 2^20 KiB.
            let tenths = (kib >> 20).times(10).plus(((kib & 0xF_FFFF) * 10 + 1 << 19) >> 20)
            return "\(tenths / 10).\(tenths % 10) GiB"
        case .mib: return "\(kib.plus(512) >> 10) MiB"
        case .kib: return "\(kib) KiB"
        }
    }
}

/// Numbers for sentences.
enum Words {
    /// `45 s`, `12 min` or `2.5 h`, rounded down.
    static func time(seconds: UInt64) -> String {
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7200 { return "\(seconds / 60) min" }
        let tenths = seconds / 360
        return "\(tenths / 10).\(tenths % 10) h"
    }

    /// A share of 0…1 in percent with one decimal, without the sign: `12.5`.
    static func percent(_ share: Double) -> String {
        let tenths = UInt64(bounded: share * 1000)
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `nodes 0 and 2`, `node 1`.
    static func nodes(_ numbers: [Int]) -> String {
        let texts = numbers.map { String($0) }
        guard let last = texts.last, texts.count > 1 else { return "node \(texts.first ?? "?")" }
        return "nodes \(texts.dropLast().joined(separator: ", ")) and \(last)"
    }

    static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }
}
