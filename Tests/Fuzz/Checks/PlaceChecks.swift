import KSMModel
import KSMText

/// Cgroups, cpusets and facts about the kernel.
enum PlaceChecks {
    /// `/proc/PID/cgroup`.
    static func cgroup(_ input: [UInt8]) throws(Violation) {
        var wanted = CgroupMembership()
        for line in input.split(separator: 0x0a, omittingEmptySubsequences: false) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].first == UInt8(ascii: "/") else { continue }
            let path = String(decoding: parts[2], as: UTF8.self)
            if parts[0].elementsEqual("0".utf8), parts[1].isEmpty {
                wanted.unified = path
            } else if parts[1].split(separator: UInt8(ascii: ",")).contains(where: { $0.elementsEqual("memory".utf8) })
            {
                wanted.memory = path
            }
        }
        try same(CgroupMembership.parse(input.span), wanted, "cgroups")
    }

    /// `memory.max`, `memory.current` and their like.
    static func cgroupNumber(_ input: [UInt8]) throws(Violation) {
        let word = Plain.lines(input).first { !$0.isEmpty }?.first
        let number = Plain.unsigned(word)
        try same(try? CgroupNumber.bytes(input.span), number, "bytes")
        let isMax = word?.elementsEqual("max".utf8) == true
        let parsed = Result { () throws(TextError) in try CgroupNumber.limit(input.span) }
        guard case .success(let limit) = parsed else {
            return try ensure(number == nil && !isMax, "a good limit is refused")
        }
        let wanted = number.flatMap { $0 < CgroupNumber.unlimited ? $0 : nil }
        try same(limit, wanted, "a limit")
        try ensure(isMax || number != nil, "a limit out of nothing")
        _ = CgroupLimit(path: "/", currentBytes: number ?? 0, maxBytes: limit).headroomKiB
    }

    /// `/proc/PID/status`.
    static func allowed(_ input: [UInt8]) throws(Violation) {
        let places = AllowedPlaces.parse(input.span)
        for (numbers, limit) in [(places.nodes, NodeList.limit), (places.cpus, NodeList.cpuLimit)] {
            guard let numbers else { continue }
            try ensure(numbers.allSatisfy { $0 >= 0 && $0 < limit }, "a number out of range in \(numbers)")
            try ensure(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "out of order: \(numbers)")
        }
        func line(_ key: String, _ numbers: [Int]?) -> String {
            guard let numbers, !numbers.isEmpty else { return "" }
            return "\(key):\t" + numbers.map { String($0) }.joined(separator: ",") + "\n"
        }
        let text = Array((line("Mems_allowed_list", places.nodes) + line("Cpus_allowed_list", places.cpus)).utf8)
        var wanted = places
        if wanted.nodes == [] { wanted.nodes = nil }
        if wanted.cpus == [] { wanted.cpus = nil }
        try same(AllowedPlaces.parse(text.span), wanted, "places printed and parsed")
    }

    /// `/proc/sys/kernel/osrelease`, and files with one number.
    static func kernel(_ input: [UInt8]) throws(Violation) {
        var facts = KernelFacts()
        facts.takeRelease(input.span)
        let first = Plain.unsigned(Plain.lines(input).first { !$0.isEmpty }?.first)
        try same(KernelFacts.number(input.span), first, "a number")
        try same(facts.kernelMajor == nil, facts.kernelMinor == nil, "half a version")
        guard let major = facts.kernelMajor, let minor = facts.kernelMinor else { return }
        try ensure(facts.isAtLeast(major, minor) == true, "a version is not itself")
        var again = KernelFacts()
        again.takeRelease(Array("\(major).\(minor)-x\n".utf8).span)
        try same(again, facts, "a version printed and parsed")
    }
}
