import Glibc
import KSMKernel
import KSMModel

/// The guests of a demonstration.
final class Fleet {
    /// Where guests come from.
    enum Kind {
        /// They were there before.
        case existing
        case embedded(GuestMix)
        case virtualMachines
        case simulated(GuestMix)
    }

    let kind: Kind
    let count: Int
    private let children: [Child]

    init(_ kind: Kind, count: Int, children: [Child] = []) {
        self.kind = kind
        self.count = count
        self.children = children
    }

    /// The names of a demonstration's guests start at `demo1`.
    static func guestName(_ number: Int) -> String { "demo\(number)" }

    /// One guest that has ended although nobody asked it to.
    var casualty: Child? { children.first { !$0.isRunning } }

    var isOwn: Bool {
        if case .existing = kind { false } else { true }
    }

    /// What merging can save, in bytes; `nil` where nobody knows.
    func attainableBytes(_ ksm: KSMAttributes, pageSize: UInt64) -> UInt64? {
        switch kind {
        case .existing, .virtualMachines: nil
        case .embedded(let mix), .simulated(let mix):
            UInt64(mix.attainablePages(guests: count, ksm)) * pageSize
        }
    }

    /// Ends the guests that were started here.
    func end() {
        for child in children { child.signal(SIGTERM) }
        for child in children { _ = child.finish(withinSeconds: 5) }
    }

    // MARK: Embedded guests

    /// Four guests of 192 MiB; smaller ones where memory is short.
    /// - Parameter directory: for the link that names them, and their output.
    static func startEmbedded(directory: String, _ memory: MemoryInfo) throws(Failure) -> Fleet {
        let count = 4
        let size = try embeddedSize(count, memory)
        let program = "\(directory)/\(EmbeddedGuest.programName)"
        guard symlink(Files.ownProgram, program) == 0 else { throw Failure("make", program, errno: errno) }
        var children: [Child] = []
        for number in 1...count {
            let arguments = EmbeddedGuest.arguments(number: number, mebibytes: size)
            let log = "\(directory)/\(guestName(number)).log"
            do {
                children.append(try Child.start(program, arguments, log: log, deathSignal: SIGKILL))
            } catch {
                Fleet(.existing, count: 0, children: children).end()
                throw error
            }
        }
        let mix = GuestMix(mebibytes: size, pageSize: Int(GuestDirectory.pageSize))
        return Fleet(.embedded(mix), count: count, children: children)
    }

    /// MiB per guest: all of them together take a quarter of what is available at most.
    private static func embeddedSize(_ count: Int, _ memory: MemoryInfo) throws(Failure) -> Int {
        let available = availableMebibytes(memory)
        let size = min(192, available / 4 / count)
        guard size >= 8 else { throw Failure("Too little memory for guests: only \(available) MiB are available") }
        return size
    }

    /// Memory that can be had, in MiB: of the machine, and of this process' control group where it has a limit.
    static func availableMebibytes(_ memory: MemoryInfo) -> Int {
        let machine = Int(clamping: (memory.memAvailableKiB ?? memory.memFreeKiB ?? 0) / 1024)
        let limit = Files.text("/sys/fs/cgroup/memory.max").split(separator: "\n").first.flatMap { Int($0) }
        let used = Files.text("/sys/fs/cgroup/memory.current").split(separator: "\n").first.flatMap { Int($0) }
        guard let limit else { return machine }
        return min(machine, max(0, limit - (used ?? 0)) >> 20)
    }
}
