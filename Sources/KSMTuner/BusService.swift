import Glibc
import KSMModel
import KSMReport
import KSMSystemd

/// `org.ksmd1` on the system bus: what ksmd does, for everybody to read, and its methods, for root.
///
/// Without a bus ksmd goes on; when one comes, or comes back, it is there again.
final class BusService {
    static let name = "org.ksmd1"
    static let path = "/org/ksmd1"

    /// What somebody asks for; an error goes back to him.
    struct Requests {
        var retune: () -> Void
        var reload: () throws(BusFailure) -> Void
        var start: () throws(BusFailure) -> Void
        var stop: () throws(BusFailure) -> Void
        var pause: (_ untilMicroseconds: UInt64, _ reason: String) throws(BusFailure) -> Void
        var resume: () throws(BusFailure) -> Void
        var unmerge: (_ isForced: Bool) throws(BusFailure) -> ScopeCommand?
        var setScope: (_ scope: String) throws(BusFailure) -> ScopeCommand?
        var setPolicy: (_ name: String) throws(BusFailure) -> Void
    }

    private let loop: EventLoop
    private let address: BusAddress
    private let watch: EventWatch
    private let requests: Requests
    private let tell: (JournalEntry) -> Void
    private var connection: BusConnection?
    private var object: BusObject?
    private var isOwner = false
    /// When the next connection may be tried, on the loop's clock.
    private var notBefore: UInt64 = 0
    /// A bus that has refused the name does so at once again; its policy may be read anew, or the other program end.
    private static let patienceMicroseconds: UInt64 = 60_000_000
    /// What has been told since the name was ours: that the bus was lost, or refuses the name.
    private var troubles: Set<String> = []
    private var facts: BusFacts?
    /// Properties whose change the bus did not take.
    private var unsent: [String] = []
    /// The name is ours: the properties are to be shown.
    private let onOwned: () -> Void
    private var waiting: [(call: BusCall, command: ScopeCommand)] = []
    private let lastDecision: () -> (message: String, realtimeMicroseconds: UInt64)?

    /// - Parameters:
    ///   - watch: is told whether systemd-machined can be heard.
    ///   - lastDecision: the last change, as the journal has it.
    ///   - onOwned: the name is ours; what is so now is to be shown.
    init(
        _ loop: EventLoop,
        _ address: BusAddress = .system,
        _ watch: EventWatch,
        _ requests: Requests,
        lastDecision: @escaping () -> (message: String, realtimeMicroseconds: UInt64)?,
        onOwned: @escaping () -> Void,
        tell: @escaping (JournalEntry) -> Void
    ) {
        self.loop = loop
        self.address = address
        self.watch = watch
        self.requests = requests
        self.lastDecision = lastDecision
        self.onOwned = onOwned
        self.tell = tell
        object = makeObject()
    }

    // MARK: Coming and going

    /// Connects, if that has not happened yet or the bus was lost.
    func connect() {
        guard connection == nil, loop.now() >= notBefore, let object else { return }
        do {
            let connection = try BusConnection(address, loop: loop)
            connection.onDisconnect = { [unowned self] in lost("the bus has gone") }
            try connection.add(object)
            try connection.requestName(BusService.name) { [unowned self] in took($0) }
            try connection.add(.machines { [unowned self] _, _ in watch.machineChanged() })
            self.connection = connection
            announce()
        } catch {
            connection = nil
            watch.set(.machined, .unavailable, error.description)
        }
    }

    /// Says that systemd-machined can be heard.
    func announce() {
        if connection != nil { watch.set(.machined, .active) }
    }

    private func took(_ state: BusNameState) {
        isOwner = false
        switch state {
        case .owned:
            isOwner = true
            onOwned()
            if !troubles.isEmpty { tell(entry("The bus is there again: \(BusService.name) answers")) }
            troubles = []
        case .taken: lost("\(BusService.name) belongs to another program", waits: true)
        case .lost: lost("\(BusService.name) was taken away", waits: true)
        case .refused(let failure):
            // What goes because the bus does is told as that.
            guard connection?.isOpen == true else { return }
            lost("the bus refuses the name \(BusService.name): \(failure.message)", waits: true)
        }
    }

    /// - Parameter waits: another attempt at once would end the same.
    private func lost(_ cause: String, waits: Bool = false) {
        if waits { notBefore = loop.now() + BusService.patienceMicroseconds }
        let ended = connection
        connection = nil
        isOwner = false
        waiting = []
        watch.set(.machined, .unavailable, cause)
        complain(cause)
        ended?.close()
    }

    private func complain(_ cause: String) {
        guard troubles.insert(cause).inserted else { return }
        tell(entry("Control over the bus is lost: \(cause); ksmctl uses signals and files meanwhile", .notice))
    }

    private func entry(_ message: String, _ priority: JournalWriter.Priority = .info) -> JournalEntry {
        JournalEntry(priority, .eventSource, message, fields: [Reason.Field(.source, "bus")])
    }

    /// Leaves the bus.
    func close() {
        waiting = []
        connection?.close()
        connection = nil
    }

    // MARK: Properties

    /// Shows what is so now, and tells what has changed.
    func show(_ report: StateReport) {
        guard connection != nil else { return }
        let now = BusFacts(report, lastDecision: lastDecision())
        let changes = facts.map { now.changes(since: $0) } ?? []
        facts = now
        guard isOwner, let connection, let object else { return }
        unsent += changes.filter { !unsent.contains($0) }
        guard !unsent.isEmpty else { return }
        do {
            try connection.emitPropertiesChanged(object, unsent)
            unsent = []
        } catch {
            // The bus does not read; the next change brings them all.
        }
    }

    private func makeObject() -> BusObject {
        let version = BusProperty("Version", "s", .constant) { $0.append(Daemon.version) }
        let properties = BusFacts.properties.enumerated().map { index, property in
            BusProperty(property.name, property.signature, .emitted) { [unowned self] message in
                facts?.values[index].append(to: &message)
            }
        }
        return BusObject(
            path: BusService.path,
            interface: BusService.name,
            methods: makeMethods(),
            properties: [version] + properties
        )
    }

    // MARK: Methods

    private func makeMethods() -> [BusMethod] {
        let requests = requests
        return [
            BusMethod("Retune") { call in
                requests.retune()
                call.reply()
            },
            BusMethod("Reload") { (call) throws(BusFailure) in
                try requests.reload()
                call.reply()
            },
            BusMethod("Start") { (call) throws(BusFailure) in
                try requests.start()
                call.reply()
            },
            BusMethod("Stop") { (call) throws(BusFailure) in
                try requests.stop()
                call.reply()
            },
            BusMethod("Pause", takes: "until_realtime_usec t, reason s") { (call) throws(BusFailure) in
                let until = try call.message.readUInt64()
                try requests.pause(until, call.message.readString())
                call.reply()
            },
            BusMethod("Resume") { (call) throws(BusFailure) in
                try requests.resume()
                call.reply()
            },
            BusMethod("Unmerge", takes: "force b", returns: "outcome s") { [unowned self] call throws(BusFailure) in
                try answer(call, requests.unmerge(call.message.readBool()))
            },
            BusMethod("SetMergeAcrossNodes", takes: "scope s", returns: "outcome s") {
                [unowned self] call throws(BusFailure) in
                try answer(call, requests.setScope(call.message.readString()))
            },
            BusMethod("SetPolicy", takes: "policy s") { (call) throws(BusFailure) in
                try requests.setPolicy(call.message.readString())
                call.reply()
            },
        ]
    }

    /// Answers at once, or when the un-sharing has ended.
    private func answer(_ call: BusCall, _ command: ScopeCommand?) throws(BusFailure) {
        guard let command else { return call.reply { $0.append("done") } }
        waiting.append((call, command))
    }

    /// An un-sharing of ksmd's own has ended.
    func ended(_ command: ScopeCommand, isDone: Bool) {
        for (call, asked) in waiting where asked == command {
            if isDone {
                call.reply { $0.append("done") }
            } else {
                call.fail(.ksmd("Refused", "it was refused or broken off; ksmctl log says why"))
            }
        }
        waiting.removeAll { $0.command == command }
    }
}

extension BusFailure {
    /// One of ksmd's own errors: `Held`, `Refused`, `Busy`, `Failed`.
    static func ksmd(_ name: String, _ message: String) -> BusFailure {
        BusFailure(name: "\(BusService.name).Error.\(name)", message: message)
    }
}
