/// What of a process' files goes into a record of a machine: nothing secret.
package enum ProcessExcerpt {
    /// The fields of `/proc/PID/stat` up to `rsslim`; the rest, which holds addresses of the process, becomes 0.
    ///
    /// The name is in brackets and can hold anything, so fields are counted from the last `)` (man 5 proc_pid_stat).
    package static func statistics(_ bytes: [UInt8]) -> [UInt8] {
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return [] }
        let fields = bytes[(close + 1)...].split { $0 == 0x20 || (0x09...0x0d).contains($0) }
        // Field 3 is the first behind the name, field 25 is rsslim.
        let kept = fields.enumerated().map { $0.offset <= 25 - 3 ? Array($0.element) : [UInt8(ascii: "0")] }
        return Array(bytes[...close]) + kept.flatMap { [UInt8(ascii: " ")] + $0 } + [UInt8(ascii: "\n")]
    }

    /// `smaps_rollup` without its first line, which has the addresses.
    package static func withoutAddresses(_ bytes: [UInt8]) -> [UInt8] {
        lines(of: bytes) { line in
            line.firstIndex(of: UInt8(ascii: ":")).map { line[..<$0].allSatisfy { $0 > 0x20 && $0 != 0x2d } } ?? false
        }
    }

    /// Program, `-name` and accelerator of a guest: everything else can hold passwords, keys and addresses.
    package static func commandLine(_ bytes: [UInt8]) -> [UInt8] {
        // Kernel threads and zombies have none.
        if bytes.isEmpty { return [] }
        let words = bytes.split(separator: 0, omittingEmptySubsequences: false)
        var kept = words.prefix(1).map { Array($0) }
        var index = 1
        while index < words.count {
            let option = String(decoding: words[index], as: UTF8.self)
            let value = index + 1 < words.count ? words[index + 1] : []
            switch option.hasPrefix("--") ? option.dropFirst() : option[...] {
            case "-enable-kvm": kept.append(Array(words[index]))
            case "-name": kept += [Array(words[index]), Array(value)]
            case "-accel": kept += [Array(words[index]), Array(value.prefix { $0 != UInt8(ascii: ",") })]
            case "-machine", "-M": kept += accelerator(of: value).map { [Array(words[index]), $0] } ?? []
            default: break
            }
            index += takesValue(option) ? 2 : 1
        }
        return kept.flatMap { $0 + [0] }
    }

    /// Of the options that are kept, those that a value follows.
    private static func takesValue(_ option: String) -> Bool {
        ["-name", "-accel", "-machine", "-M"].contains { option == $0 || option == "-" + $0 }
    }

    /// The `accel=` part of `-machine pc,accel=kvm`.
    private static func accelerator(of value: ArraySlice<UInt8>) -> [UInt8]? {
        value.split(separator: UInt8(ascii: ",")).first { $0.starts(with: "accel=".utf8) }.map { Array($0) }
    }

    /// The lines for which `isKept` holds, each with its line break.
    package static func lines(of bytes: [UInt8], where isKept: (ArraySlice<UInt8>) -> Bool) -> [UInt8] {
        bytes.split(separator: UInt8(ascii: "\n")).filter(isKept).flatMap { Array($0) + [UInt8(ascii: "\n")] }
    }
}
