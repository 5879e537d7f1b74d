/// Lists of numbers as sysfs prints them: `0-3,5`.
package enum NodeList {
    /// The largest node number a kernel can have: MAX_NUMNODES is 1 << NODES_SHIFT, at most 10 on x86-64.
    package static let limit = 1024

    /// Parses a list; ascending, without doubles.
    ///
    /// Numbers from `limit` on are left out. An empty line is no node.
    ///
    /// Source: cpumap_print_list / nodelist printing with `%*pbl` (lib/vsprintf.c).
    package static func parse(_ text: Span<UInt8>) throws(TextError) -> [Int] {
        let line = text.line(from: 0).line
        var nodes: [Int] = []
        var start = line.lowerBound
        while start < line.upperBound {
            var end = start
            while end < line.upperBound, text[end] != UInt8(ascii: ",") { end += 1 }
            guard let range = range(text, start..<end) else {
                throw TextError(expected: "a list of numbers", found: text)
            }
            for node in range where node < limit && (nodes.last ?? -1) < node { nodes.append(node) }
            start = end + 1
        }
        return nodes
    }

    private static func range(_ text: Span<UInt8>, _ part: Range<Int>) -> ClosedRange<Int>? {
        var dash = part.lowerBound
        while dash < part.upperBound, text[dash] != UInt8(ascii: "-") { dash += 1 }
        guard let first = text.unsigned(part.lowerBound..<dash) else { return nil }
        let last = dash < part.upperBound ? text.unsigned(dash + 1..<part.upperBound) : first
        guard let last, first <= last else { return nil }
        return Int(min(first, UInt64(limit)))...Int(min(last, UInt64(limit)))
    }
}
