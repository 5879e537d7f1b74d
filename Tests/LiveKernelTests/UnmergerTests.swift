import Foundation
import Glibc
import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import KSMTuner
import Testing

@Suite("Un-sharing on the real KSM", .serialized, .enabled(if: LiveKernel.isAvailable, "no KSM that can be set"))
struct UnmergerTests {
    /// Merges memory of this process and leaves the scanner at work.
    private func merge(_ kernel: LiveKernel, mebibytes: Int = 64) -> Bool {
        kernel.mergeable(mebibytes: mebibytes)
        kernel.set(.pages_to_scan, "5000")
        kernel.set(.sleep_millisecs, "1")
        kernel.set(.run, "1")
        let pages = UInt64(mebibytes) * 256
        return eventually(60) { kernel.counter(.pages_sharing) + kernel.counter(.pages_shared) >= pages }
    }

    @Test("A flip and back: every page un-shared, the scope set, every other setting as before")
    func flip() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        kernel.set(.merge_across_nodes, "1")
        try #require(merge(kernel))
        let before = try kernel.settings()
        let root = try KernelRoot()
        for scope in [MergeScope.local, .across] {
            try #require(merge(kernel, mebibytes: 0) && eventually(60) { kernel.counter(.pages_sharing) > 16_000 })
            var stages: Set<Unmerger.Stage> = []
            let unmerger = Unmerger(root, Settings(), progress: { stages.insert($0.stage) })
            let result = unmerger.run(.init(scope: scope))
            #expect(result.outcome == .done, "\(result.sentence)")
            #expect(result.account.pages >= 16_000)
            #expect(try LiveKernel.read(.merge_across_nodes) == scope.value)
            #expect(stages.isSuperset(of: [.settling, .copying, .unmerging, .changing]))
            #expect(!root.exists(SavedState.unmergePath))
        }
        #expect(try kernel.settings() == before)
    }

    @Test("Interrupted in mid-way: the scope is as before, the scanner goes on, every setting is as before")
    func cancelled() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        kernel.set(.merge_across_nodes, "1")
        try #require(merge(kernel))
        let before = try kernel.settings()
        var isWanted = false
        let unmerger = Unmerger(
            try KernelRoot(),
            Settings(),
            isCancelled: { isWanted },
            progress: { if $0.stage == .copying, $0.done > 0 { isWanted = true } }
        )
        let result = unmerger.run(.init(scope: .local))
        #expect(result.outcome == .aborted)
        #expect(result.entries.map(\.id) == [.unmergeFailed])
        #expect(result.account.pages > 0)
        #expect(try kernel.settings() == before)
        #expect(!(try KernelRoot()).exists(SavedState.unmergePath))
    }

    @Test("A pause breaks off an un-sharing that is under way, and every setting is as before")
    func paused() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        try #require(merge(kernel))
        let before = try kernel.settings()
        let root = try KernelRoot()
        defer { try? Hold.resume(root) }
        let unmerger = Unmerger(
            root,
            Settings(),
            progress: { progress in
                guard progress.stage == .copying, progress.done > 0 else { return }
                try? Hold.write(root, .init(.pause, by: "anna", sinceRealtimeSeconds: 1))
            }
        )
        let result = unmerger.run(.init(scope: nil))
        #expect(result.outcome == .aborted && result.sentence.contains("anna said ksmctl pause"))
        #expect(kernel.counter(.pages_shared) > 0)
        try Hold.resume(root)
        // While it is paused nothing scans; the rest is as before.
        let others = { (settings: [String]) in settings.filter { !$0.hasPrefix("run=") } }
        #expect(try others(kernel.settings()) == others(before))
        #expect(try LiveKernel.read(.run) == "0")
    }

    @Test("Un-sharing without a scope leaves nothing merged and KSM stopped")
    func unmerge() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        try #require(merge(kernel))
        let places = kernel.counter(.pages_shared) + kernel.counter(.pages_sharing)
        var merged: UInt64?
        let unmerger = Unmerger(
            try KernelRoot(),
            Settings(),
            progress: { if $0.stage == .changing { merged = kernel.counter(.pages_shared) } }
        )
        let result = unmerger.run(.init(scope: nil))
        #expect(result.outcome == .done, "\(result.sentence)")
        // Where ksmctl says that KSM is to be held, nothing is merged any more and the lock is still there.
        #expect(merged == 0)
        #expect(result.account.unshared >= places)
        #expect(kernel.counter(.pages_shared) == 0 && kernel.counter(.pages_sharing) == 0)
        #expect(try LiveKernel.read(.run) == "0")
        #expect(try LiveKernel.read(.pages_to_scan) == "5000")
    }

    @Test("ksmctl stop while somebody un-shares disturbs nothing, and KSM stays stopped when that has ended")
    func stopped() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let root = try KernelRoot()
        defer { try? root.remove(Hold.path) }
        kernel.set(.merge_across_nodes, "1")
        try #require(merge(kernel))
        var status: Int32?
        let unmerger = Unmerger(
            root,
            Settings(),
            progress: {
                if $0.stage == .copying, status == nil { status = (try? Program.run("ksmctl", ["stop"]))?.status }
            }
        )
        let result = unmerger.run(.init(scope: .local))
        #expect(status == 0)
        #expect(result.outcome == .done, "\(result.sentence)")
        #expect(Hold.read(root) != nil)
        #expect(try LiveKernel.read(.run) == "0" && LiveKernel.read(.merge_across_nodes) == "0")
        #expect(try LiveKernel.read(.pages_to_scan) == "5000")
    }

    @Test("While somebody else un-shares nothing begins, and that is said at once")
    func locked() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let root = try KernelRoot()
        let before = try kernel.settings()
        let lock = try UnmergeLock(root, .exclusive)
        let result = Unmerger(root, Settings()).run(.init(scope: .local))
        #expect(result.outcome == .failed && result.sentence.contains(UnmergeLock.path))
        #expect(result.milliseconds < 1000)
        #expect(try kernel.settings() == before)
        withExtendedLifetime(lock) {}
    }

    @Test("What a killed Unmerger has left is what comes back after the next one")
    func killed() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let root = try KernelRoot()
        kernel.set(.merge_across_nodes, "1")
        try #require(merge(kernel))
        var unread: [String] = []
        let current = KSMSysfs(root, buffer: ReadBuffer()).readAll(problems: &unread)
        let saved = try SavedState(root, current: current, isDryRun: false, path: SavedState.unmergePath)
        for (attribute, value) in [(Attribute.pages_to_scan, "100"), (.run, "0")] {
            try saved.claim(attribute)
            kernel.set(attribute, value)
        }
        let result = Unmerger(root, Settings()).run(.init(scope: .local))
        #expect(result.outcome == .done, "\(result.sentence)")
        #expect(try LiveKernel.read(.run) == "1" && LiveKernel.read(.pages_to_scan) == "5000")
        #expect(!root.exists(SavedState.unmergePath))
    }
}
