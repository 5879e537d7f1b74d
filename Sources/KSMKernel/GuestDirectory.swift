import Glibc
package import KSMModel
import KSMText

/// Which processes are guests, and the kernel's scanner thread: found by looking through `/proc`, then read on kept
/// descriptors.
///
/// One pass over `/proc` costs one `getdents` per hundred processes; only what is new is opened. What makes a process
/// the same as at the last pass is the inode of its directory (the kernel makes a new one for a reused pid).
package final class GuestDirectory {
    /// A pid younger than this that is no guest yet is looked at again: libvirt forks, and the child becomes QEMU only
    /// when it execs.
    ///
    /// 30 s is ksmd's promise.
    static let youthSeconds: UInt64 = 30

    private struct Seen {
        var inode: UInt64
        /// Seconds since boot until which the process name is read again at every pass; 0 when it is settled.
        var youngUntil: UInt64
        var pass: UInt64
    }

    /// Process names (`fnmatch` patterns) that are guests.
    package var patterns: [String] {
        didSet { if patterns != oldValue { seen.removeAll() } }
    }
    package var readsPss: Bool

    /// What was found at the last pass, in the order of their pids.
    package private(set) var guests: [Guest] = []
    package private(set) var scanner: ScannerThread?

    private let root: KernelRoot
    private let buffer: ReadBuffer
    private var listing: DirectoryListing?
    private var seen: [Int32: Seen] = [:]
    private var files: [GuestFiles] = []
    private var scannerFile: KeptFile?
    private var pass: UInt64 = 0
    /// Guests taken in or out at this pass.
    private var changes = 0

    package init(_ root: KernelRoot, buffer: ReadBuffer, patterns: [String], readsPss: Bool) {
        self.root = root
        self.buffer = buffer
        self.patterns = patterns
        self.readsPss = readsPss
    }

    deinit {
        for index in files.indices { files[index].close() }
    }

    /// Looks for guests that came and went, then reads them all.
    /// - Parameters:
    ///   - bootSeconds: seconds since boot, on the clock of the processes' start times.
    ///   - problems: gets one sentence for each kind of file that could not be read.
    package func refresh(bootSeconds: UInt64, problems: inout [String]) {
        _ = discover(bootSeconds: bootSeconds, problems: &problems)
        readGuests(problems: &problems)
        readScanner(problems: &problems)
    }

    /// Reads `ksm_stat` of every guest here and now.
    ///
    /// On 6.18 the file waits for the guest's memory map (it prints `ksm_mergeable`), so the daemon's loop lets a child
    /// do it (`GuestProbe`).
    package func readKSMStats(problems: inout [String]) {
        var failed: SystemError?
        for index in files.indices {
            do throws(SystemError) {
                guests[index].ksmStat = try files[index].readKSMStat(root, buffer)
            } catch {
                failed = failed ?? error
            }
        }
        if let failed { problems.append(failed.description) }
    }

    /// The descriptors of the guests' `ksm_stat`, -1 where there is none, in the order of `guests`.
    package func openKSMStats() -> [Int32] {
        files.indices.map { files[$0].openKSMStat(root) }
    }

    /// Puts in what a child has read.
    package func setKSMStat(_ stat: KSMStat, pid: Int32, startTicks: UInt64) {
        guard let index = guests.firstIndex(where: { $0.pid == pid && $0.startTicks == startTicks }) else { return }
        guests[index].ksmStat = stat
    }

    // MARK: Finding

    /// Looks for guests that came and went, and reads nothing of those that were there before.
    ///
    /// - Returns: whether there were any.
    package func discover(bootSeconds: UInt64, problems: inout [String]) -> Bool {
        do {
            if listing == nil { listing = try DirectoryListing(root, "/proc") }
        } catch {
            problems.append(error.description)
            return false
        }
        pass += 1
        changes = 0
        var present = 0
        listing?.forEach { name, inode in
            guard let pid = GuestDirectory.pid(name) else { return }
            present += 1
            look(at: pid, inode: inode, bootSeconds: bootSeconds)
        }
        if present < seen.count { forgetTheGone() }
        return changes > 0
    }

    private static func pid(_ name: UnsafeRawBufferPointer) -> Int32? {
        var value: Int32 = 0
        var index = 0
        while index < name.count, name[index] != 0 {
            let digit = name[index] &- 0x30
            guard digit <= 9, value < 200_000_000 else { return nil }
            value = value * 10 + Int32(digit)
            index += 1
        }
        return index > 0 ? value : nil
    }

    private func look(at pid: Int32, inode: UInt64, bootSeconds: UInt64) {
        if var known = seen[pid], known.inode == inode {
            known.pass = pass
            if known.youngUntil > 0 {
                examine(pid, isNew: false)
                if bootSeconds >= known.youngUntil { known.youngUntil = 0 }
            }
            seen[pid] = known
            return
        }
        if seen[pid] != nil { drop(pid) }
        let startSeconds = examine(pid, isNew: true) ?? bootSeconds
        let youngUntil = startSeconds + GuestDirectory.youthSeconds
        seen[pid] = Seen(inode: inode, youngUntil: root.isLive && youngUntil > bootSeconds ? youngUntil : 0, pass: pass)
    }

    /// Reads the process' name and takes it in, or out, as a guest.
    /// - Returns: its start in seconds since boot; `nil` when it has gone meanwhile.
    @discardableResult
    private func examine(_ pid: Int32, isNew: Bool) -> UInt64? {
        guard let stat = try? readStat(pid) else { return nil }
        if isNew, stat.isScannerThread { found(scanner: pid, stat) }
        let isGuest = !stat.isKernelThread && matches(stat.comm)
        let known = files.firstIndex { $0.pid == pid }
        switch (isGuest, known) {
        case (true, nil): add(stat)
        case (true, let index?): nameLate(index)
        case (false, _?): drop(pid)
        case (false, nil): break
        }
        return stat.startTicks / GuestDirectory.ticksPerSecond
    }

    private func readStat(_ pid: Int32) throws(SystemError) -> ProcessStat? {
        let descriptor = try root.open(process: pid, "stat")
        return try buffer.read(descriptor.raw, path: "/proc/\(pid)/stat") { try? ProcessStat.parse($0) }
    }

    private func matches(_ comm: String) -> Bool {
        comm.withCString { name in patterns.contains { $0.withCString { fnmatch($0, name, 0) == 0 } } }
    }

    private func add(_ stat: ProcessStat) {
        let name = readName(stat.pid)
        let guest = Guest(pid: stat.pid, startTicks: stat.startTicks, name: name ?? stat.comm, rssKiB: 0)
        let place = guests.firstIndex { $0.pid > stat.pid } ?? guests.count
        guests.insert(guest, at: place)
        files.insert(GuestFiles(pid: stat.pid, isNamed: name != nil), at: place)
        changes += 1
    }

    /// Looks once more for the name: exec gives a process its new name before its new arguments (begin_new_exec of
    /// fs/exec.c), so a guest met in between has none yet.
    private func nameLate(_ index: Int) {
        guard !files[index].isNamed, let name = readName(files[index].pid) else { return }
        guests[index].name = name
        files[index].isNamed = true
    }

    private func readName(_ pid: Int32) -> String? {
        guard let commandLine = try? root.open("/proc/\(pid)/cmdline") else { return nil }
        return (try? buffer.read(commandLine.raw, path: "") { GuestCommandLine.name($0) }) ?? nil
    }

    private func drop(_ pid: Int32) {
        guard let index = files.firstIndex(where: { $0.pid == pid }) else { return }
        files[index].close()
        files.remove(at: index)
        guests.remove(at: index)
        changes += 1
    }

    private func forgetTheGone() {
        for (pid, entry) in seen where entry.pass != pass {
            drop(pid)
            if scanner?.pid == pid { scanner = nil; scannerFile = nil }
            seen[pid] = nil
        }
    }

    // MARK: Reading

    private func readGuests(problems: inout [String]) {
        var gone = false
        var refused: SystemError?
        for index in files.indices {
            do throws(SystemError) {
                guard let memory = try files[index].readMemory(root, buffer) else {
                    gone = true
                    files[index].isGone = true
                    continue
                }
                guests[index].rssKiB = memory.residentPages.multipliedReportingOverflow(by: pageKiB).partialValue
                guests[index].mergingPages = try files[index].readMergingPages(root, buffer)
                if readsPss { guests[index].pssKiB = try readPss(files[index].pid) }
            } catch {
                if !error.isAbsent { refused = refused ?? error }
            }
        }
        if gone { dropTheGone() }
        if let refused { problems.append(refused.description) }
    }

    private var pageKiB: UInt64 { GuestDirectory.pageSize / 1024 }

    private func dropTheGone() {
        for index in files.indices.reversed() where files[index].isGone {
            // A zombie keeps its name: it is not to be taken in again.
            seen[files[index].pid]?.youngUntil = 0
            files[index].close()
            files.remove(at: index)
            guests.remove(at: index)
        }
    }

    private func readPss(_ pid: Int32) throws(SystemError) -> UInt64? {
        let path = "/proc/\(pid)/smaps_rollup"
        let descriptor = try root.open(path)
        return try buffer.read(descriptor.raw, path: path) { ProcessNumber.pssKiB($0) }
    }

    // MARK: The scanner thread

    private func found(scanner pid: Int32, _ stat: ProcessStat) {
        scanner = ScannerThread(pid: pid, cpuNanoseconds: GuestDirectory.nanoseconds(stat))
        scannerFile = KeptFile(root, "/proc/\(pid)/schedstat", buffer: buffer)
    }

    private static func nanoseconds(_ stat: ProcessStat) -> UInt64 {
        let ticks = stat.userTicks.addingReportingOverflow(stat.systemTicks).partialValue
        return ticks.multipliedReportingOverflow(by: 1_000_000_000 / ticksPerSecond).partialValue
    }

    private func readScanner(problems: inout [String]) {
        guard let pid = scanner?.pid, let file = scannerFile else { return }
        let precise = file.readIfPresent(problems: &problems) { try? ProcessNumber.cpuNanoseconds($0) } ?? nil
        if let precise {
            scanner?.cpuNanoseconds = precise
        } else if let stat = try? readStat(pid) {
            scanner?.cpuNanoseconds = GuestDirectory.nanoseconds(stat)
        }
    }

    /// USER_HZ (100 on all Linux systems that ksmd runs on; asked from sysconf).
    static let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    /// Bytes per page of this machine.
    package static let pageSize = UInt64(max(4096, sysconf(Int32(_SC_PAGESIZE))))
}
