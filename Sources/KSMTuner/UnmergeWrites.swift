import CLinux
import Glibc
import KSMKernel
import KSMModel

/// What the Unmerger writes, and how it waits for the kernel.
extension Unmerger {
    /// Stops the scanner thread and waits until its batch has ended.
    ///
    /// The batch is made short first, and the advisor, which would make it long again, is switched off.
    func settle(_ saved: SavedState) throws(UnmergeStop) {
        tell(.settling)
        let batch = try read(.pages_to_scan)?.unsignedValue ?? 0
        if let mode = try read(.advisor_mode), mode.description != "none" {
            try write(saved, Write(.advisor_mode, "none"))
        }
        // Writing 2 changes it also where the scanner thread is stopped already.
        try claim(saved, .run)
        guard try runs() != 0 else { return }
        if batch > UInt64(Unmerger.shortBatch) { try write(saved, Write(.pages_to_scan, Unmerger.shortBatch)) }
        try write(saved, Write(.run, 0))
    }

    /// A child writes 2 under supervision.
    func writeTwo(_ floor: MemoryFloor) throws(UnmergeStop) {
        tell(.unmerging)
        let descriptor: FileDescriptor
        do { descriptor = try sysfs.openForUnmerging() } catch { throw UnmergeStop(.failed, error.description) }
        let nodes = floor.nodesWithRoom().map { Int32($0) }
        let pid = ksmd_fork_unmerger(descriptor.raw, nodes, nodes.count)
        guard pid > 0 else { throw UnmergeStop(.failed, "cannot start the process that un-shares: errno \(-pid)") }
        let code = try supervise(pid, floor)
        guard code == 0 else {
            let error = SystemError(operation: "write 2 to", path: KSMSysfs.path(.run), errno: code)
            throw UnmergeStop(code == ENOMEM ? .aborted : .failed, error.description)
        }
        guard try runs() == 2, try number(.pages_shared) == 0 else {
            throw UnmergeStop(.failed, "somebody else has written run while everything was being un-shared")
        }
    }

    /// Waits for the child; kills it when memory falls under a floor, time is up, or somebody asks for it.
    ///
    /// A kill ends the un-sharing within a millisecond and leaves `run` at 0 (mm/ksm.c, run_store).
    private func supervise(_ pid: Int32, _ floor: MemoryFloor) throws(UnmergeStop) -> Int32 {
        floor.noteStart()
        while true {
            let status = ksmd_wait_child(pid, floor.lookMilliseconds)
            if status >= 0 { return status < 256 ? status : EINTR }
            guard status == -ETIMEDOUT else { return -status }
            do {
                try checkGoingOn()
                try floor.check()
                try floor.checkGroups()
                try floor.checkNodes()
            } catch {
                kill(pid, SIGKILL)
                _ = ksmd_wait_child(pid, Int32(Unmerger.settleMilliseconds))
                throw error
            }
        }
    }

    /// Writes the scope while nothing is merged; EBUSY is tried again.
    ///
    /// The kernel tries by itself to let go of what is left (merge_across_nodes_store of mm/ksm.c): waiting is enough.
    func change(_ scope: MergeScope?) throws(UnmergeStop) {
        tell(.changing)
        guard let scope else { return }
        for attempt in 0..<Unmerger.attempts {
            if try writeScope(scope) { return }
            usleep(min(50_000 << UInt32(attempt), Unmerger.longestWaitMicroseconds))
            try checkGoingOn()
            // What is merged anew has no plan.
            guard try number(.pages_shared) == 0 else { break }
        }
        throw UnmergeStop(
            .failed,
            "the kernel refuses merge_across_nodes=\(scope.value) (EBUSY): something is "
                + "merged again or still, or a process that is ending still holds a merged page"
        )
    }

    /// - Returns: whether the kernel has taken it; EBUSY is `false`.
    private func writeScope(_ scope: MergeScope) throws(UnmergeStop) -> Bool {
        do {
            try writeWaiting(Write(.merge_across_nodes, scope.value))
        } catch {
            if error.errno == EBUSY { return false }
            throw UnmergeStop(.failed, error.description)
        }
        return try read(.merge_across_nodes)?.description == scope.value
    }

    /// Writes what has to come back.
    private func write(_ saved: SavedState, _ write: Write) throws(UnmergeStop) {
        try claim(saved, write.attribute)
        try writeNow(write)
    }

    private func claim(_ saved: SavedState, _ attribute: Attribute) throws(UnmergeStop) {
        do { try saved.claim(attribute) } catch { throw UnmergeStop(.failed, error.description) }
    }

    private func writeNow(_ write: Write) throws(UnmergeStop) {
        do { try writeWaiting(write) } catch { throw UnmergeStop(.failed, error.description) }
    }

    private func writeWaiting(_ write: Write) throws(SystemError) {
        guard write.attribute.writeCanBlock else { return try sysfs.write(write.attribute, write.value) }
        guard let pid = try slow.start(write),
            let outcome = slow.wait(pid: pid, milliseconds: Int32(Unmerger.settleMilliseconds))
        else {
            throw SystemError(operation: "write", path: KSMSysfs.path(write.attribute), errno: ETIMEDOUT)
        }
        if let failure = outcome.failure { throw failure }
    }

    // MARK: Reading

    func read(_ attribute: Attribute) throws(UnmergeStop) -> AttributeValue? {
        do { return try sysfs.read(attribute) } catch { throw UnmergeStop(.failed, error.description) }
    }

    /// A counter; what this kernel lacks is 0.
    func number(_ attribute: Attribute) throws(UnmergeStop) -> UInt64 {
        try read(attribute)?.unsignedValue ?? 0
    }

    /// `run` without the kernel's bit for memory going offline.
    func runs() throws(UnmergeStop) -> UInt64 { try number(.run) & 3 }
}
