package import KSMModel

extension StateReport {
    /// Nodes, where memory is merged, and what that means for them; `numa` of the state file.
    ///
    /// Sizes are bytes. What is not known is `nil`.
    package struct NUMA: Equatable, Sendable {
        /// What somebody said with `ksmctl numa set`.
        package struct ByHand: Equatable, Sendable {
            package var setting: ScopeSetting
            /// The user, as text.
            package var by: String
            /// CLOCK_REALTIME seconds.
            package var sinceRealtimeSeconds: UInt64?

            /// Who set what, and since when if that is known.
            package init(setting: ScopeSetting, by: String, sinceRealtimeSeconds: UInt64?) {
                self.setting = setting
                self.by = by
                self.sinceRealtimeSeconds = sinceRealtimeSeconds
            }
        }

        /// `merge_across_nodes`: as it is, as it should be, and why.
        package struct Scope: Equatable, Sendable {
            /// `nil` where this kernel has no such attribute.
            package var current: MergeScope?
            /// `nil` where there is nothing to choose.
            package var wanted: MergeScope?
            package var action: ScopeDecision.Action
            /// Stable, for machines.
            package var reasonCode: String
            /// One sentence.
            package var reason: String
            /// `nil` while the configuration decides.
            package var setByHand: ByHand?

            /// What the policy decided, and whether an operator told it to.
            package init(_ decision: ScopeDecision, setByHand: ByHand? = nil) {
                current = decision.current
                wanted = decision.wanted
                action = decision.action
                reasonCode = decision.reason.code
                reason = decision.reason.sentence
                self.setByHand = setByHand
            }
        }

        /// What the host would be short of if guests stopped having equal pages.
        package struct HostExposure: Equatable, Sendable {
            /// Memory that un-sharing everything would take.
            package var promisedBytes: UInt64
            package var availableBytes: UInt64
            /// Shared pages that guests write, per second, lately.
            package var breaksPerSecond: Double?
            /// Time until available memory has gone into copies at that rate.
            package var secondsUntilShort: UInt64?

            /// What is promised and what is there.
            package init(promisedBytes: UInt64, availableBytes: UInt64) {
                self.promisedBytes = promisedBytes
                self.availableBytes = availableBytes
            }

            /// How short the host would be; 0 where there is room.
            package var shortBytes: UInt64 { promisedBytes > availableBytes ? promisedBytes - availableBytes : 0 }
        }

        /// The last look into the guests' page maps.
        package struct SurveyNote: Equatable, Sendable {
            /// CLOCK_REALTIME seconds when it ended.
            package var takenRealtimeSeconds: UInt64?
            /// CPU time that it took.
            package var cpuNanoseconds: UInt64
            /// By what merged pages were told from others; `nil` where they could not be.
            package var signal: MergedSignal?

            /// What the look cost, and by what it went.
            package init(takenRealtimeSeconds: UInt64?, cpuNanoseconds: UInt64, signal: MergedSignal?) {
                self.takenRealtimeSeconds = takenRealtimeSeconds
                self.cpuNanoseconds = cpuNanoseconds
                self.signal = signal
            }
        }

        /// Which node that guests live on is short, and by how much.
        package struct Activation: Equatable, Sendable {
            /// `nil` when none is, or when the host as a whole is what is short.
            package var node: Int?
            package var shortBytes: UInt64
            package var sentence: String

            /// The worst node and why it is.
            package init(node: Int?, shortBytes: UInt64, sentence: String) {
                self.node = node
                self.shortBytes = shortBytes
                self.sentence = sentence
            }
        }

        /// One node.
        package struct NodeFigures: Equatable, Sendable {
            package var node: Int
            /// How many of its CPUs are online.
            package var cpus: Int
            /// 0 on a node without memory.
            package var totalBytes: UInt64 = 0
            package var freeBytes: UInt64 = 0
            /// What a guest could still get here.
            package var availableBytes: UInt64?
            package var anonBytes: UInt64?
            /// Below this much available memory the node is short.
            package var thresholdBytes: UInt64?
            /// What is missing to the threshold.
            package var shortBytes: UInt64 = 0
            /// Guests have a tenth or more of their memory here.
            package var hasGuests = false
            /// Memory that un-sharing everything would take here.
            package var promisedBytes: UInt64?
            /// What would be missing then.
            package var exposureShortBytes: UInt64 = 0
            /// Guests' merged memory that lies here, counted once for each guest that uses it.
            package var mergedBytes: UInt64?

            /// A node of which only the CPUs are known.
            package init(node: Int, cpus: Int) {
                self.node = node
                self.cpus = cpus
            }
        }

        /// `nil` before the first decision.
        package var scope: Scope?
        /// `nil` where the counters could not be read.
        package var exposure: HostExposure?
        /// Share of the guests' merged pages that lie on another node than their guest's home.
        package var remoteShare: Share?
        package var survey: SurveyNote?
        package var activation: Activation?
        /// All that are online, ascending.
        package var nodes: [NodeFigures]

        /// Nodes of which nothing else is known.
        package init(nodes: [NodeFigures] = []) {
            self.nodes = nodes
        }
    }
}

extension StateReport.NUMA {
    /// What a sample says about the nodes; scope, remote share and activation are the caller's to fill in.
    /// - Parameters:
    ///   - pressure: how the nodes stand against their thresholds, as far as that is known.
    ///   - exposure: what merged memory promises, as far as that is known.
    ///   - merged: the guests' merged memory by the node where it lies; `nil` where nobody has looked.
    ///   - nowRealtimeSeconds: CLOCK_REALTIME at the time of the sample, for the age of its survey.
    package init(
        _ sample: Sample,
        pressure: [NodePressure],
        exposure: Exposure?,
        merged: [(node: Int, kib: UInt64)]? = nil,
        nowRealtimeSeconds: UInt64? = nil
    ) {
        let numbers = Set(sample.topology.nodes.map(\.number)).union(sample.nodes.map(\.node))
        nodes = numbers.sorted().map { number in
            NodeFigures(
                number,
                sample,
                pressure: pressure.first { $0.node == number },
                exposure: exposure?.nodes.first { $0.node == number },
                merged: merged
            )
        }
        if let exposure { self.exposure = HostExposure(exposure) }
        survey = sample.survey.map { SurveyNote($0, sample, nowRealtimeSeconds: nowRealtimeSeconds) }
    }
}

extension StateReport.NUMA.HostExposure {
    init(_ exposure: Exposure) {
        self.init(
            promisedBytes: bytes(exposure.host.promisedKiB),
            availableBytes: bytes(exposure.host.availableKiB)
        )
        breaksPerSecond = exposure.breaksPerSecond
        secondsUntilShort = exposure.secondsUntilShort
    }
}

extension StateReport.NUMA.SurveyNote {
    init(_ survey: Survey, _ sample: Sample, nowRealtimeSeconds: UInt64?) {
        let now = sample.monotonicNanoseconds
        let age = now > survey.monotonicNanoseconds ? (now - survey.monotonicNanoseconds) / 1_000_000_000 : 0
        self.init(
            takenRealtimeSeconds: nowRealtimeSeconds.map { $0 > age ? $0 - age : 0 },
            cpuNanoseconds: survey.cpuNanoseconds,
            signal: survey.signal
        )
    }
}

extension StateReport.NUMA.NodeFigures {
    init(
        _ number: Int,
        _ sample: Sample,
        pressure: NodePressure?,
        exposure: Exposure.Place?,
        merged: [(node: Int, kib: UInt64)]?
    ) {
        self.init(node: number, cpus: sample.topology.node(number)?.cpus.count ?? 0)
        if let memory = sample.nodes.first(where: { $0.node == number }) {
            totalBytes = bytes(memory.totalKiB)
            freeBytes = bytes(memory.freeKiB)
            availableBytes = memory.availableKiB.map(bytes)
            anonBytes = memory.anonKiB.map(bytes)
        }
        if let pressure {
            availableBytes = bytes(pressure.availableKiB)
            thresholdBytes = bytes(pressure.thresholdKiB)
            shortBytes = bytes(pressure.shortKiB)
            hasGuests = pressure.hasGuests
        }
        promisedBytes = exposure.map { bytes($0.promisedKiB) }
        exposureShortBytes = exposure.map { bytes($0.shortKiB) } ?? 0
        if let merged {
            mergedBytes = merged.first { $0.node == number }.map { bytes($0.kib) } ?? 0
        } else if totalBytes > 0 {
            mergedBytes = Self.merged(sample)
        }
    }

    /// With a single node all that is merged lies there.
    private static func merged(_ sample: Sample) -> UInt64? {
        guard sample.nodes.count == 1, let shared = sample.ksm.number(.pages_shared),
            let sharing = sample.ksm.number(.pages_sharing)
        else { return nil }
        let pages = shared.addingReportingOverflow(sharing).partialValue
        return pages.multipliedReportingOverflow(by: sample.pageSize).partialValue
    }
}

/// KiB as the kernel prints them, in bytes; what does not fit stays at the limit.
func bytes(_ kib: UInt64) -> UInt64 {
    let (product, isTooMuch) = kib.multipliedReportingOverflow(by: 1024)
    return isTooMuch ? .max : product
}
