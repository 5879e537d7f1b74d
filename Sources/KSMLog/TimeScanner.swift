import KSMModel
import KSMText

/// Takes a point of time apart, from both ends.
struct TimeScanner {
    private let bytes: [UInt8]
    /// The next byte, as an offset into the text.
    private(set) var position = 0
    /// Behind the last byte that has not been taken.
    private var end: Int

    init(_ text: String) {
        bytes = Array(text.utf8)
        end = bytes.count
        while end > 0, TimeScanner.isBlank(bytes[end - 1]) { end -= 1 }
    }

    var isAtEnd: Bool { position >= end }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Lower case, for ASCII.
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    mutating func skipBlanks() {
        while !isAtEnd, TimeScanner.isBlank(bytes[position]) { position += 1 }
    }

    /// Whether `word` stands at `start`, within what is left; case does not count.
    private func has(_ word: StaticString, at start: Int) -> Bool {
        guard start >= position, start + word.utf8CodeUnitCount <= end else { return false }
        return word.withUTF8Buffer { wanted in
            for offset in 0..<wanted.count
            where unsafe TimeScanner.lower(bytes[start + offset]) != TimeScanner.lower(wanted[offset]) {
                return false
            }
            return true
        }
    }

    /// Takes `word` where it comes next.
    mutating func take(_ word: StaticString) -> Bool {
        guard has(word, at: position) else { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    /// Takes `word` where it is all that is left.
    mutating func takeAll(_ word: StaticString) -> Bool {
        end - position == word.utf8CodeUnitCount && take(word)
    }

    /// Takes `word` from the end.
    mutating func takeLast(_ word: StaticString) -> Bool {
        guard has(word, at: end - word.utf8CodeUnitCount) else { return false }
        end -= word.utf8CodeUnitCount
        while end > position, TimeScanner.isBlank(bytes[end - 1]) { end -= 1 }
        return true
    }

    /// Takes ` UTC` from the end, or a `Z` behind a digit.
    mutating func takeUTC() -> Bool {
        if takeLast(" UTC") { return true }
        guard end - 2 >= position, (0x30...0x39).contains(bytes[end - 2]) else { return false }
        return takeLast("Z")
    }

    /// What is left, which is taken.
    mutating func rest() -> String {
        defer { position = end }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    /// A decimal number of at most so many digits; `nil` where none is, or one that is longer.
    mutating func digits(atMost limit: Int) -> Int64? {
        let start = position
        var value: Int64 = 0
        while !isAtEnd, position - start < limit, (0x30...0x39).contains(bytes[position]) {
            value = value * 10 + Int64(bytes[position] - 0x30)
            position += 1
        }
        let goesOn = !isAtEnd && (0x30...0x39).contains(bytes[position])
        return position == start || goesOn ? nil : value
    }

    /// The digits behind a decimal point, as microseconds; the seventh and later ones are dropped.
    mutating func microseconds() -> UInt64? {
        let start = position
        var value: UInt64 = 0
        var unit: UInt64 = 100_000
        while !isAtEnd, (0x30...0x39).contains(bytes[position]) {
            value += UInt64(bytes[position] - 0x30) * unit
            unit /= 10
            position += 1
        }
        return position == start ? nil : value
    }

    /// The number of a day of the week and the blank behind it, taken where both stand here.
    mutating func takeWeekday() -> Int? {
        let start = position
        for (number, names) in TimeScanner.weekdays.enumerated() {
            for name in [names.long, names.short] where take(name) {
                if !isAtEnd, TimeScanner.isBlank(bytes[position]) {
                    skipBlanks()
                    return number
                }
                position = start
            }
        }
        return nil
    }

    private static let weekdays: [(long: StaticString, short: StaticString)] = [
        ("Sunday", "Sun"), ("Monday", "Mon"), ("Tuesday", "Tue"), ("Wednesday", "Wed"), ("Thursday", "Thu"),
        ("Friday", "Fri"), ("Saturday", "Sat"),
    ]

    /// Takes what separates a time from the date before it.
    mutating func takeSeparator() -> Bool {
        if take("T") { return true }
        guard !isAtEnd, TimeScanner.isBlank(bytes[position]) else { return false }
        skipBlanks()
        return true
    }

    /// A date; `nil` where what stands here is not the beginning of one.
    mutating func date() throws(TimePointError) -> CivilTime? {
        let start = position
        guard let year = digits(atMost: 4), take("-") else {
            position = start
            return nil
        }
        guard position - start == 5 else { throw error("a year of four digits", at: start) }
        let month = try number(1...12, "a month")
        guard take("-") else { throw error("- and the day") }
        let day = try number(1...CivilTime.days(month: month, year: year), "a day")
        return CivilTime(year: year, month: month, day: day)
    }

    /// A time of day.
    /// - Parameter start: where a date could have stood too, for the error.
    mutating func time(
        orDateAt start: Int?
    ) throws(TimePointError) -> (hour: Int64, minute: Int64, second: Int64, microseconds: UInt64) {
        let timeStart = position
        guard let hour = digits(atMost: 2), take(":") else {
            let expected = "a date such as 2026-11-28, a time such as 05:10, a word such as today, or 2h ago"
            throw error(start == nil ? "a time such as 05:10" : expected, at: start ?? timeStart)
        }
        guard hour <= 23 else { throw error("an hour from 0 to 23", at: timeStart) }
        let minute = try number(0...59, "a minute")
        guard take(":") else { return (hour, minute, 0, 0) }
        let second = try number(0...59, "a second")
        guard take(".") else { return (hour, minute, second, 0) }
        guard let microseconds = microseconds() else { throw error("digits") }
        return (hour, minute, second, microseconds)
    }

    /// A number of one or two digits.
    private mutating func number(_ range: ClosedRange<Int64>, _ what: String) throws(TimePointError) -> Int64 {
        let start = position
        guard let value = digits(atMost: 2), range.contains(value) else {
            throw error("\(what) from \(range.lowerBound) to \(range.upperBound)", at: start)
        }
        return value
    }

    /// Something else stands at `place`, or where the scanner is.
    func error(_ expected: String, at place: Int? = nil) -> TimePointError {
        let place = place ?? position
        let found = Array(bytes[min(place, bytes.count)...])
        return TimePointError(
            text: bytes.span.printable(limit: 40),
            position: place,
            found: found.span.printable(limit: 20),
            expected: expected
        )
    }
}
