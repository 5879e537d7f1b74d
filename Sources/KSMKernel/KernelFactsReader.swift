package import KSMModel
import KSMText

extension KernelFacts {
    /// Reads what the kernel and its neighbours do that works against merging.
    ///
    /// Looks at the name of every process (numad): for now and then, not for each tick. What cannot be read is `nil`.
    package static func read(_ root: KernelRoot) -> KernelFacts {
        let hugePages = "/sys/kernel/mm/transparent_hugepage"
        var facts = KernelFacts()
        if let release = bytes(root, "/proc/sys/kernel/osrelease") { facts.takeRelease(release.span) }
        facts.numaBalancing = number(root, "/proc/sys/kernel/numa_balancing")
        facts.thpEnabled = word(root, "\(hugePages)/enabled")
        facts.khugepagedCollapsed = number(root, "\(hugePages)/khugepaged/pages_collapsed")
        facts.khugepagedFullScans = number(root, "\(hugePages)/khugepaged/full_scans")
        facts.numadPID = process(root, called: "numad")
        return facts
    }

    private static func bytes(_ root: KernelRoot, _ path: String) -> [UInt8]? {
        try? root.readFile(path, limit: 4096)
    }

    private static func number(_ root: KernelRoot, _ path: String) -> UInt64? {
        bytes(root, path).flatMap { number($0.span) }
    }

    /// The word in brackets.
    private static func word(_ root: KernelRoot, _ path: String) -> String? {
        guard let text = bytes(root, path),
            case .word(let word)? = try? AttributeValue.parse(text.span, as: .selection)
        else { return nil }
        return word
    }

    /// The first process of that name (`comm`).
    private static func process(_ root: KernelRoot, called name: String) -> Int32? {
        guard let names = try? root.list("/proc") else { return nil }
        let wanted = Array((name + "\n").utf8)
        return names.lazy.compactMap { Int32($0) }.sorted().first { bytes(root, "/proc/\($0)/comm") == wanted }
    }
}
