import Glibc
import KSMKernel
import KSMModel

/// Real QEMU guests, emulated (TCG), so that no hardware support is needed.
///
/// Each has a Debian kernel and fills its memory
/// with something to merge; `Tests/vm/guest-image` makes what they boot.
struct VirtualMachines {
    /// Memory of a guest; its kernel takes some 40 MiB of it and the init 50.
    static let mebibytes = 128
    /// What one costs the host: its memory, QEMU itself, translated code.
    static let costMebibytes = 260
    /// The guests boot side by side on as many processors as there are; 3 s alone, so this is generous.
    static let bootSeconds = 120
    private static let greeting = "ksmd-guest ready"

    let directory: String
    /// Holds `vmlinuz` and `initrd`.
    let image: String

    /// - Parameter directory: for consoles and output.
    init(directory: String) throws(Failure) {
        guard let image = getenv("KSMD_GUEST_IMAGE").map({ String(cString: $0) }) else {
            throw Failure("Real guests need an image that ./run makes: start ./run --guests N")
        }
        self.directory = directory
        self.image = image
    }

    /// As many as memory allows, `wanted` at most.
    static func affordable(_ wanted: Int, _ memory: MemoryInfo) -> Int {
        min(wanted, Fleet.availableMebibytes(memory) * 3 / 4 / costMebibytes)
    }

    /// Starts the guests; they are not up yet.
    func start(_ count: Int) throws(Failure) -> Fleet {
        var children: [Child] = []
        for number in 1...count {
            do {
                let log = "\(directory)/\(Fleet.guestName(number)).log"
                let words = arguments(number)
                children.append(try Child.start("qemu-system-x86_64", words, log: log, deathSignal: SIGKILL))
            } catch {
                Fleet(.virtualMachines, count: 0, children: children).end()
                throw error
            }
        }
        return Fleet(.virtualMachines, count: count, children: children)
    }

    /// How many of the first `count` guests have finished their init.
    func ready(_ count: Int) -> Int {
        (1...count).count { Files.text(console($0)).contains(VirtualMachines.greeting) }
    }

    private func console(_ number: Int) -> String { "\(directory)/\(Fleet.guestName(number)).console" }

    private func arguments(_ number: Int) -> [String] {
        [
            "qemu-system-x86_64", "-name", "guest=\(Fleet.guestName(number))",
            "-machine", "pc", "-accel", "tcg,thread=single,tb-size=32", "-cpu", "max",
            "-m", "\(VirtualMachines.mebibytes)M", "-smp", "1",
            "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", "\(image)/vmlinuz", "-initrd", "\(image)/initrd",
            "-append", "console=ttyS0 panic=-1 quiet",
            "-serial", "file:\(console(number))",
        ]
    }
}
