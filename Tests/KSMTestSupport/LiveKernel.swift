import Foundation
import Glibc
import KSMText
package import KSMModel

/// The real KSM of this kernel, for one test: nobody else's while this lives, and everything as before afterwards.
package final class LiveKernel {
    /// Whether there is a KSM here that this process can set.
    package static var isAvailable: Bool { access("/sys/kernel/mm/ksm/run", W_OK) == 0 }

    private let lock: Int32
    private let before: [(attribute: Attribute, value: String)]
    private var programs: [Program] = []
    private var memory: [(UnsafeMutableRawPointer, Int)] = []

    /// Waits for other tests that use the real KSM, then takes down every setting and stops the scanner.
    package init() throws {
        lock = open("/run/lock/ksmd-live-kernel.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw POSIXError(.ENOLCK) }
        before = try Attribute.settings.compactMap { attribute in
            try LiveKernel.read(attribute).map { (attribute, $0) }
        }
        // Tests begin with a KSM that stands, whatever the machine does besides.
        set(.advisor_mode, "none")
        set(.run, "0")
    }

    /// Ends the programs that work on it, puts every setting back, and lets the next test in.
    ///
    /// Called by `defer`, not by deinit: a test's last use of this object may be long before its end.
    package func finish() {
        for program in programs where program.process.isRunning { program.stop() }
        restore()
        close(lock)
    }

    /// A program that has to end before the settings are put back.
    package func owns(_ program: Program) -> Program {
        programs.append(program)
        return program
    }

    /// One attribute as it would be written; `nil` where this kernel lacks it.
    package static func read(_ attribute: Attribute) throws -> String? {
        let path = "/sys/kernel/mm/ksm/\(attribute.name)"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return try AttributeValue.parse(Array(text.utf8).span, as: attribute.format).description
    }

    /// Every setting, in one line each.
    package func settings() throws -> [String] {
        try Attribute.settings.compactMap { attribute in
            try LiveKernel.read(attribute).map { "\(attribute.name)=\($0)" }
        }
    }

    /// A counter, or 0 where this kernel lacks it.
    package func counter(_ attribute: Attribute) -> UInt64 {
        (try? LiveKernel.read(attribute)).flatMap { $0 }.flatMap { UInt64($0) } ?? 0
    }

    /// Writes an attribute; `false` when the kernel refuses.
    @discardableResult
    package func set(_ attribute: Attribute, _ value: String) -> Bool {
        let descriptor = open("/sys/kernel/mm/ksm/\(attribute.name)", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return value.withCString { write(descriptor, $0, strlen($0)) == strlen($0) }
    }

    /// Mergeable memory of this process in which every page is the same.
    package func mergeable(mebibytes: Int) {
        let length = mebibytes << 20
        guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { return }
        madvise(start, length, 12)  // MADV_MERGEABLE
        madvise(start, length, 15)  // MADV_NOHUGEPAGE
        memset(start, 0x5a, length)
        memory.append((start, length))
    }

    /// Ends the mergeable memory and lets the scanner forget it.
    ///
    /// - Returns: whether nothing is shared afterwards.
    @discardableResult
    package func forgetMemory() -> Bool {
        for (start, length) in memory { munmap(start, length) }
        memory.removeAll()
        guard counter(.pages_shared) > 0 else { return true }
        let run = try? LiveKernel.read(.run)
        set(.advisor_mode, "none")
        set(.pages_to_scan, "10000")
        set(.sleep_millisecs, "10")
        set(.run, "1")
        let isClean = eventually(20) { counter(.pages_shared) == 0 }
        set(.run, run ?? "0")
        return isClean
    }

    private func restore() {
        forgetMemory()
        set(.advisor_mode, "none")
        for (attribute, value) in before where attribute != .run && attribute != .advisor_mode { set(attribute, value) }
        for (attribute, value) in before where attribute == .run || attribute == .advisor_mode { set(attribute, value) }
    }
}
