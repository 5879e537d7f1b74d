import KSMModel

/// Since when memory has not been short, on the host and on the nodes that guests live on.
struct Calm {
    /// Memory is short below this part of it, in percent: the classic rule's number.
    var thresholdPercent: Int64
    /// The first sample since memory was last short; `nil` while it is.
    private(set) var sinceNanoseconds: UInt64?
    /// Why memory is short now.
    private(set) var shortage: String?

    init(thresholdPercent: Int64) {
        self.thresholdPercent = thresholdPercent
    }

    mutating func take(_ sample: Sample, _ homes: Homes) {
        shortage = Calm.shortage(sample, homes, thresholdPercent)
        if shortage != nil {
            sinceNanoseconds = nil
        } else if sinceNanoseconds == nil {
            sinceNanoseconds = sample.monotonicNanoseconds
        }
    }

    /// How long it has been calm.
    func nanoseconds(_ now: UInt64) -> UInt64 { sinceNanoseconds.map { now.minus($0) } ?? 0 }

    private static func shortage(_ sample: Sample, _ homes: Homes, _ percent: Int64) -> String? {
        let memory = sample.memory
        guard let total = memory.memTotalKiB, let free = memory.classicFreeKiB ?? memory.memAvailableKiB else {
            return "the host's memory cannot be read"
        }
        let threshold = total.percent(percent)
        guard free >= threshold else {
            let sizes = Sizes(total)
            return "\(sizes.text(free)) of the host's \(sizes.text(total)) are free, below the threshold of "
                + sizes.text(threshold)
        }
        let nodes = NodeActivation(sample, homes: homes, thresholdPercent: percent)
        return nodes.worst == nil ? nil : nodes.reason.sentence
    }
}
