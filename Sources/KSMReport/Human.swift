/// Numbers as people read them.
package enum Human {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// A size: `0 B`, `1.5 GiB`, `512 MiB`.
    ///
    /// Powers of 1024, rounded to nearest; one decimal below 100 of a unit.
    package static func size(_ bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var unit = (63 - bytes.leadingZeroBitCount) / 10
        // 1023.7 MiB is 1.0 GiB.
        if unit < 6, tenths(bytes, unit) >= 10_235 { unit += 1 }
        let tenths = tenths(bytes, unit)
        return tenths < 1000
            ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\((tenths + 5) / 10) \(units[unit])"
    }

    /// A size that can be negative.
    package static func size(_ bytes: Int64) -> String {
        bytes < 0 ? "-" + size(bytes.magnitude) : size(bytes.magnitude)
    }

    /// Tenths of 1024 to the power of `unit`, rounded to nearest.
    ///
    /// No overflow: `unit` is at most 6, and 10 × 2^60 + 2^59 fits.
    private static func tenths(_ bytes: UInt64, _ unit: Int) -> UInt64 {
        let shift = UInt64(unit * 10)
        let rest = bytes & ((1 << shift) - 1)
        return (bytes >> shift) * 10 + ((rest * 10 + (1 << shift) / 2) >> shift)
    }

    /// A time span by its two largest parts: `45 s`, `14 min`, `3 h 5 min`, `2 d 4 h`.
    package static func duration(seconds: UInt64) -> String {
        let minutes = seconds / 60
        let hours = minutes / 60
        let days = hours / 24
        if days > 0 { return hours % 24 == 0 ? "\(days) d" : "\(days) d \(hours % 24) h" }
        if hours > 0 { return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min" : "\(seconds) s"
    }

    /// CPU time: below a minute with one decimal (`3.4 s`), then as a time span.
    package static func cpuTime(nanoseconds: UInt64) -> String {
        let tenths = nanoseconds / 100_000_000
        return tenths < 600 ? "\(tenths / 10).\(tenths % 10) s" : duration(seconds: tenths / 10)
    }

    /// An interval in milliseconds: `60 s`, `2.5 s`, `300 ms`.
    package static func interval(milliseconds: UInt64) -> String {
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000) s" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    /// A share of one core in permille: `2.3 % of one core`.
    package static func cpuShare(permille: UInt32) -> String {
        "\(permille / 10).\(permille % 10) % of one core"
    }

    /// A count with its noun: `1 guest`, `4 guests`.
    package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    /// Text of unknown origin on one line of a terminal: every control character becomes `?`.
    package static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(scalar.isControl ? "?" : scalar) }
        return String(result)
    }
}
