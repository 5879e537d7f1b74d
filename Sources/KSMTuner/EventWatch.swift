import Glibc
import KSMKernel
import KSMModel
import KSMReport
import KSMSystemd

/// The event sources of the kernel, watched in the loop; each is there or not, and ksmd goes on without.
final class EventWatch {
    /// A guest may have come or gone.
    var onGuests: () -> Void = {}
    /// Tasks have waited for memory.
    var onPressure: () -> Void = {}
    /// Something is to be told: a source was lost.
    var onTrouble: (JournalEntry) -> Void = { _ in }

    /// How much of a window tasks have to wait for memory: with 10 the trigger answers in the window in which memory
    /// gets short, with 100 it was too late (measured in a cgroup whose limit is 24 MiB below what it uses).
    static let stallPermille: UInt64 = 10

    private let loop: EventLoop
    private let root: KernelRoot
    private var wanted: [EventSourceName] = []
    private var conditions: [EventSourceName: StateReport.EventSource] = [:]
    private var uevents: UeventSocket?
    private var cgroups: CgroupWatch?
    private var pressure: PressureTrigger?
    private var sources: [EventSourceName: DescriptorSource] = [:]
    private var ends: ProcessEnds?

    init(_ loop: EventLoop, _ root: KernelRoot) {
        self.loop = loop
        self.root = root
    }

    /// All sources and what became of them, in the order of the documentation.
    var report: [StateReport.EventSource] {
        EventSourceName.allCases.map { conditions[$0] ?? .init($0, .off) }
    }

    /// Whether something tells when a guest comes.
    var tellsOfGuests: Bool {
        conditions.values.contains { $0.name.tellsOfGuests && $0.condition == .active }
    }

    /// Whether the kernel is wanted to tell of pressure, and does not.
    var needsPressurePoll: Bool { conditions[.pressure]?.condition == .unavailable }

    /// Says what became of a source that somebody else watches.
    func set(_ name: EventSourceName, _ condition: StateReport.EventSource.Condition, _ detail: String? = nil) {
        conditions[name] = .init(name, wanted.contains(name) ? condition : .off, detail)
    }

    /// systemd-machined has told of a machine.
    func machineChanged() {
        if wanted.contains(.machined) { onGuests() }
    }

    /// Opens what the configuration wants, and closes the rest.
    func open(_ settings: Settings) {
        close()
        wanted = settings.eventSources
        for name in wanted {
            switch name {
            case .kvm: attempt(name) { () throws(SystemError) in try openKVM() }
            case .cgroup: attempt(name) { () throws(SystemError) in try openCgroups(settings.watchedCgroups) }
            case .pressure: attempt(name) { () throws(SystemError) in try openPressure() }
            case .exit: attempt(name) { () throws(SystemError) in try openEnds() }
            case .machined: set(.machined, .unavailable, "no connection to the system bus yet")
            }
        }
    }

    private func close() {
        for source in sources.values { source.cancel() }
        sources = [:]
        conditions = [:]
        (uevents, cgroups, pressure, ends) = (nil, nil, nil, nil)
    }

    private func attempt(_ name: EventSourceName, _ body: () throws(SystemError) -> String?) {
        do throws(SystemError) {
            // A recorded machine has no events.
            guard root.isLive else { throw SystemError(operation: "watch", path: "a recorded machine", errno: ENOTSUP) }
            set(name, .active, try body())
        } catch {
            set(name, .unavailable, error.description)
        }
    }

    private func watch(
        _ name: EventSourceName,
        _ descriptor: Int32,
        _ events: DescriptorEvents = .readable,
        _ handler: @escaping (DescriptorEvents) -> Void
    ) throws(SystemError) {
        do {
            sources[name] = try loop.addReadable(descriptor, events: events) { handler($1) }
        } catch {
            throw SystemError(operation: "watch", path: name.rawValue, errno: error.code)
        }
    }

    /// A source that fails is given up: ksmd would spin on it.
    private func lose(_ name: EventSourceName, _ cause: String) {
        sources[name]?.cancel()
        sources[name] = nil
        set(name, .unavailable, cause)
        onTrouble(EventWatch.lost(name.rawValue, cause))
    }

    /// - Parameter source: its name, as in the field `SOURCE`.
    static func lost(_ source: String, _ cause: String) -> JournalEntry {
        JournalEntry(
            .notice,
            .eventSource,
            "The event source \(source) is lost: \(cause); ksmd goes on without it",
            fields: [Reason.Field(.source, source)]
        )
    }

    // MARK: Each source

    private func openKVM() throws(SystemError) -> String? {
        let socket = try UeventSocket()
        try watch(.kvm, socket.raw) { [unowned self] _ in
            let heard = socket.drain()
            if let problem = heard.problem { return lose(.kvm, problem.description) }
            if heard.created + heard.destroyed > 0 || heard.missed { onGuests() }
        }
        uevents = socket
        return nil
    }

    private func openCgroups(_ paths: [String]) throws(SystemError) -> String? {
        let directories = try CgroupWatch(root, paths)
        try watch(.cgroup, directories.raw) { [unowned self] _ in
            let heard = directories.drain()
            if let problem = heard.problem { return lose(.cgroup, problem.description) }
            if heard.changed || heard.missed { onGuests() }
        }
        cgroups = directories
        return paths.joined(separator: ", ")
    }

    private func openPressure() throws(SystemError) -> String? {
        let trigger = try PressureTrigger(root, stallPermille: EventWatch.stallPermille)
        try watch(.pressure, trigger.raw, .exceptional) { [unowned self] events in
            if events.contains(.error) { return lose(.pressure, "the kernel has ended the trigger") }
            onPressure()
        }
        pressure = trigger
        return "1 % of \(trigger.windowMicroseconds / 1000) ms"
    }

    // MARK: Guests' ends

    private func openEnds() throws(SystemError) -> String? {
        let ends = try ProcessEnds()
        try watch(.exit, ends.raw) { [unowned self] _ in
            if ends.drain() { onGuests() }
        }
        self.ends = ends
        return nil
    }

    /// Watches the ends of these guests and of no others.
    func watchEnds(of guests: [Guest]) {
        guard let ends else { return }
        do throws(SystemError) {
            // One that has gone meanwhile is a change by itself.
            if try ends.watch(guests.map { ($0.pid, $0.startTicks) }) { onGuests() }
        } catch {
            self.ends = nil
            lose(.exit, error.description)
        }
    }
}
