import Glibc
import KSMKernel
import KSMModel
import KSMPolicy
import KSMReport
import KSMTuner

/// Looks at everything that `ksmctl numa` shows.
///
/// Figures are of this moment. What a daemon that runs has decided, and what only it can know (how fast shared pages
/// are written, where pages lie when this user may not look), comes from its report.
struct NumaLook {
    private let machine: Machine
    private let daemon: StateReport.NUMA?
    private let daemonPID: Int32?
    private let daemonWarnings: [String]
    private let byHand: StateReport.NUMA.ByHand?
    private var sample: Sample
    private let homes: Homes

    init(_ machine: inout Machine) {
        let status = StatusReport(
            sample: Sample(monotonicNanoseconds: 0, pageSize: GuestDirectory.pageSize),
            daemon: machine.daemon(),
            stateFile: machine.stateFile()
        )
        daemon = status.daemonReport?.numa
        daemonPID = status.daemonReport?.pid
        daemonWarnings = status.daemonReport?.warnings ?? []
        byHand = ScopeOverride.read(machine.root).map {
            .init(setting: $0.setting, by: $0.by, sinceRealtimeSeconds: $0.sinceRealtimeSeconds)
        }
        sample = Sampler(machine.root, machine.settings).sample()
        if machine.root.isLive { sample.survey = NumaLook.survey(machine.root, sample.guests) }
        homes = Homes(sample)
        self.machine = machine
    }

    /// `nil` where no guest could be looked at.
    private static func survey(_ root: KernelRoot, _ guests: [Guest]) -> Survey? {
        if guests.isEmpty { return nil }
        let asked = guests.map { SurveyedGuest(pid: $0.pid, startTicks: $0.startTicks) }
        return Surveyor(root, MergedPages(root)).survey(asked)
    }

    // MARK: The report

    func report() -> NUMAReport {
        var report = NUMAReport(
            topology: sample.topology,
            numa: numa(),
            setting: byHand?.setting ?? machine.settings.numa.scope
        )
        report.guests = guests
        report.auto = .init(NumaLook.decision(sample, machine.settings, .auto))
        report.warnings = warnings
        report.problems = sample.problems + (sample.survey?.problems ?? []) + machine.problems
        if machine.root.isLive, geteuid() != 0 { report.remedy = "Run `ksmctl numa` as root to see what is missing." }
        report.daemonPID = daemonPID
        report.nowRealtimeSeconds = machine.realtimeSeconds()
        return report
    }

    private func numa() -> StateReport.NUMA {
        let activation = NodeActivation(sample, thresholdPercent: machine.settings.classic.thresholdPercent)
        var meter = ExposureMeter()
        var numa = StateReport.NUMA(
            sample,
            pressure: activation.nodes,
            exposure: meter.step(sample).exposure,
            merged: sample.survey?.signal == nil ? nil : homes.mergedKiB(sample.guests, pageSize: sample.pageSize),
            nowRealtimeSeconds: machine.realtimeSeconds()
        )
        numa.activation = StateReport.NUMA.Activation(activation)
        numa.scope = daemon?.scope ?? scope
        numa.remoteShare = homes.remoteShare(sample.guests) ?? daemon?.remoteShare
        numa.exposure?.breaksPerSecond = daemon?.exposure?.breaksPerSecond
        numa.exposure?.secondsUntilShort = daemon?.exposure?.secondsUntilShort
        return completed(numa)
    }

    /// Without a look of our own, the daemon's.
    private func completed(_ numa: StateReport.NUMA) -> StateReport.NUMA {
        guard sample.survey?.guests.isEmpty != false, let daemon else { return numa }
        var numa = numa
        numa.survey = daemon.survey
        for index in numa.nodes.indices {
            guard let known = daemon.nodes.first(where: { $0.node == numa.nodes[index].node }) else { continue }
            numa.nodes[index].mergedBytes = numa.nodes[index].mergedBytes ?? known.mergedBytes
            numa.nodes[index].promisedBytes = known.promisedBytes ?? numa.nodes[index].promisedBytes
            numa.nodes[index].exposureShortBytes = known.exposureShortBytes
        }
        return numa
    }

    /// What ksmd would decide if it ran.
    private var scope: StateReport.NUMA.Scope {
        let setting = byHand?.setting ?? machine.settings.numa.scope
        return .init(NumaLook.decision(sample, machine.settings, setting), setByHand: byHand)
    }

    /// The policy's word about one sample, without a past.
    static func decision(_ sample: Sample, _ settings: Settings, _ setting: ScopeSetting) -> ScopeDecision {
        var policy = MergeScopePolicy(settings.numa, thresholdPercent: settings.classic.thresholdPercent)
        return policy.step(sample, override: setting)
    }

    private var guests: [NUMAReport.Guest] {
        sample.guests.map { guest in
            NUMAReport.Guest(
                guest,
                pageSize: sample.pageSize,
                placement: sample.survey?.placement(of: guest),
                home: homes[guest]?.home.home,
                remoteShare: homes[guest]?.remoteShare
            )
        }
    }

    /// What holds now, and what the daemon has seen over time.
    private var warnings: [String] {
        let facts = KernelFacts.read(machine.root)
        let own = NUMAWarnings.all(sample, facts, homes: homes).map(\.sentence)
        let known = Set((own + sample.problems).map(NumaLook.withoutNumbers))
        return own + daemonWarnings.filter { !known.contains(NumaLook.withoutNumbers($0)) }
    }

    /// Two looks at the same thing differ in their figures.
    private static func withoutNumbers(_ sentence: String) -> String { sentence.filter { !$0.isNumber } }
}

extension StateReport.NUMA.Activation {
    /// The worst node, as the policies that use it see it.
    init(_ activation: NodeActivation) {
        self.init(
            node: activation.worst?.node,
            shortBytes: (activation.worst?.shortKiB ?? 0).multipliedReportingOverflow(by: 1024).partialValue,
            sentence: activation.reason.sentence
        )
    }
}
