/// Lists of numbers as sysfs prints them: `0-3,5`.
package enum NodeList {
    /// The largest node number a kernel can have: MAX_NUMNODES is 1 << NODES_SHIFT, at most 10 on x86-64.
    package static let limit = 1024
    /// CPUs that a kernel can have: NR_CPUS is at most 8,192 on x86-64 (CONFIG_MAXSMP), less elsewhere.
    package static let cpuLimit = 8192

    /// Parses a list; ascending, without doubles.
    ///
    /// Numbers from `limit` on are left out. An empty line is no number.
    ///
    /// Source: cpumap_print_list / nodelist printing with `%*pbl` (lib/vsprintf.c).
    package static func parse(_ text: Span<UInt8>, below limit: Int = NodeList.limit) throws(TextError) -> [Int] {
        try parse(text, text.line(from: 0).line, below: limit)
    }

    /// Parses the list that fills `line`.
    static func parse(_ text: Span<UInt8>, _ line: ByteRange, below limit: Int) throws(TextError) -> [Int] {
        var numbers: [Int] = []
        var start = line.lowerBound
        while start < line.upperBound {
            var end = start
            while end < line.upperBound, text[end] != UInt8(ascii: ",") { end += 1 }
            guard let range = range(text, start..<end, limit) else {
                throw TextError(expected: "a list of numbers", found: text.extracting(line))
            }
            // What is not above the last number is passed over in one step: a hostile list stays linear.
            var number = max(range.lowerBound, (numbers.last ?? -1) + 1)
            while number <= range.upperBound, number < limit {
                numbers.append(number)
                number += 1
            }
            start = end + 1
        }
        return numbers
    }

    private static func range(_ text: Span<UInt8>, _ part: ByteRange, _ limit: Int) -> ClosedRange<Int>? {
        var dash = part.lowerBound
        while dash < part.upperBound, text[dash] != UInt8(ascii: "-") { dash += 1 }
        guard let first = text.unsigned(part.lowerBound..<dash) else { return nil }
        let last = dash < part.upperBound ? text.unsigned(dash + 1..<part.upperBound) : first
        guard let last, first <= last else { return nil }
        return Int(min(first, UInt64(limit)))...Int(min(last, UInt64(limit)))
    }
}

/// The line of `/sys/devices/system/node/nodeN/distance`: `10 21`.
package enum NodeDistances {
    /// Parses the distances from a node to all nodes that are online, in their order.
    ///
    /// Source: node_read_distance of drivers/base/node.c. The firmware's tables (ACPI SLIT) have one byte for each, so
    /// anything above 255 is broken.
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> [Int] {
        let line = text.line(from: 0).line
        var distances: [Int] = []
        var position = line.lowerBound
        while true {
            let word = text.word(in: line, from: &position)
            if word.isEmpty { return distances }
            guard let distance = text.unsigned(word), distance <= 255, distances.count < NodeList.limit else {
                throw TextError(expected: "distances of nodes", found: text)
            }
            distances.append(Int(distance))
        }
    }
}
