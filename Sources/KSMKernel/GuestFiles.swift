import Glibc
import KSMModel
import KSMText

/// The files of one guest that are read at every tick.
///
/// A descriptor of `/proc/PID/…` belongs to the process it was opened for: once that has gone, reads give ESRCH, and a
/// new process with the same pid is never read through it (proc_single_show of fs/proc/base.c).
struct GuestFiles {
    let pid: Int32
    var isGone = false
    /// Whether the guest's name was found in its command line.
    var isNamed: Bool
    private var statm: Int32 = -1
    private var merging: Int32 = -1
    private(set) var ksmStat: Int32 = -1
    /// Cleared when the kernel or the permissions refuse the file, so that it is not tried at every tick.
    private var mergingIsThere = true
    private var ksmStatIsThere = true

    init(pid: Int32, isNamed: Bool) {
        self.pid = pid
        self.isNamed = isNamed
    }

    /// Closes what is open.
    mutating func close() {
        for descriptor in [statm, merging, ksmStat] where descriptor >= 0 { Glibc.close(descriptor) }
        statm = -1
        merging = -1
        ksmStat = -1
    }

    /// `statm`; `nil` when the process has gone or has given up its memory (a zombie).
    mutating func readMemory(_ root: KernelRoot, _ buffer: ReadBuffer) throws(SystemError) -> ProcessMemory? {
        do {
            let memory = try GuestFiles.read(root, "/proc/\(pid)/statm", &statm, buffer) {
                try? ProcessMemory.parse($0)
            }
            guard let memory, memory.sizePages > 0 else { return nil }
            return memory
        } catch {
            if error.isAbsent { return nil }
            throw error
        }
    }

    /// `ksm_merging_pages`; `nil` where this kernel lacks it (before 6.1).
    /// - Throws: EACCES once; then it is not tried again.
    mutating func readMergingPages(_ root: KernelRoot, _ buffer: ReadBuffer) throws(SystemError) -> UInt64? {
        guard mergingIsThere else { return nil }
        do {
            return try GuestFiles.read(root, "/proc/\(pid)/ksm_merging_pages", &merging, buffer) {
                try? ProcessNumber.mergingPages($0)
            }
        } catch {
            if merging < 0, error.isLasting { mergingIsThere = false }
            if error.isAbsent { return nil }
            throw error
        }
    }

    /// `ksm_stat`; `nil` where this kernel lacks it.
    mutating func readKSMStat(_ root: KernelRoot, _ buffer: ReadBuffer) throws(SystemError) -> KSMStat? {
        guard ksmStatIsThere else { return nil }
        do {
            return try GuestFiles.read(root, "/proc/\(pid)/ksm_stat", &ksmStat, buffer) { KSMStat.parse($0) }
        } catch {
            if ksmStat < 0, error.isLasting { ksmStatIsThere = false }
            if error.isAbsent { return nil }
            throw error
        }
    }

    /// The descriptor of `ksm_stat`, opened without reading; -1 where there is none.
    mutating func openKSMStat(_ root: KernelRoot) -> Int32 {
        guard ksmStatIsThere, ksmStat < 0 else { return ksmStat }
        do {
            ksmStat = try root.open("/proc/\(pid)/ksm_stat").take()
        } catch {
            if error.isLasting { ksmStatIsThere = false }
        }
        return ksmStat
    }

    private static func read<Value>(
        _ root: KernelRoot,
        _ path: @autoclosure () -> String,
        _ kept: inout Int32,
        _ buffer: ReadBuffer,
        _ parse: (Span<UInt8>) -> Value?
    ) throws(SystemError) -> Value? {
        if !root.isLive {
            let descriptor = try root.open(path())
            return try buffer.read(descriptor.raw, path: path(), parse)
        }
        if kept < 0 { kept = try root.open(path()).take() }
        return try buffer.read(kept, path: path(), parse)
    }
}
