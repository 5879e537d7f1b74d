/// Reads the pieces of a value, byte by byte.
struct Cursor {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index >= bytes.count }

    /// Skips spaces and tabs; whether there were any.
    @discardableResult
    mutating func skipBlanks() -> Bool {
        let start = index
        while !isAtEnd, isBlank(bytes[index]) { index += 1 }
        return index > start
    }

    /// The ASCII letters from here on; possibly none.
    mutating func letters() -> String {
        String(decoding: take { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }, as: UTF8.self)
    }

    /// Whether `byte` comes next; it is consumed then.
    mutating func consume(_ byte: UInt8) -> Bool {
        guard !isAtEnd, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// A decimal number without sign, with or without fraction; `nil` where there is no digit.
    mutating func decimal() -> Decimal? {
        let whole = take(isDigit)
        let fraction = consume(UInt8(ascii: ".")) ? take(isDigit) : []
        return whole.isEmpty && fraction.isEmpty ? nil : Decimal(whole: whole, fraction: fraction)
    }

    private mutating func take(_ matches: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = index
        while !isAtEnd, matches(bytes[index]) { index += 1 }
        return bytes[start..<index]
    }
}

/// The digits of a decimal number.
struct Decimal {
    var whole: ArraySlice<UInt8>
    var fraction: ArraySlice<UInt8>

    /// The number times `unit`, rounded down; `nil` when it does not fit.
    func scaled(by unit: UInt64) -> UInt64? {
        guard let number = unsigned(whole) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        if overflow { return nil }
        let part = Decimal.share(of: unit, digits: fraction)
        let (sum, carry) = product.addingReportingOverflow(part)
        return carry ? nil : sum
    }

    /// The fraction of `unit` that `digits` behind the point spell, rounded down.
    ///
    /// 18 of them fit into 64 bits; the others are less than a millionth of the largest unit.
    private static func share(of unit: UInt64, digits: ArraySlice<UInt8>) -> UInt64 {
        var (numerator, denominator): (UInt64, UInt64) = (0, 1)
        for digit in digits.prefix(18) {
            numerator = numerator &* 10 &+ UInt64(digit &- UInt8(ascii: "0"))
            denominator &*= 10
        }
        // The numerator is below the denominator, so the quotient is below the unit.
        return denominator.dividingFullWidth(numerator.multipliedFullWidth(by: unit)).quotient
    }
}

/// The number that decimal digits spell; no digits are 0; `nil` when it does not fit.
func unsigned(_ digits: some Sequence<UInt8>, radix: UInt64 = 10) -> UInt64? {
    var value: UInt64 = 0
    for byte in digits {
        guard let digit = digitValue(byte), digit < radix else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: radix)
        let (sum, carry) = product.addingReportingOverflow(digit)
        if overflow || carry { return nil }
        value = sum
    }
    return value
}

/// The value of a digit up to base 16.
private func digitValue(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

/// A decimal digit of ASCII.
func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// Space or tab.
func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
}

/// `bytes` without spaces, tabs and carriage returns at both ends.
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { isBlank(byte) || byte == UInt8(ascii: "\r") }
    guard let first = bytes.firstIndex(where: { !isSpace($0) }),
        let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return [] }
    return bytes[first...last]
}
