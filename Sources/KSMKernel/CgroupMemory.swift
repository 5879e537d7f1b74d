package import KSMModel
import KSMText

/// Memory limits of processes' cgroups: what un-sharing may charge to a guest before the kernel kills it.
///
/// See Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
package final class CgroupMemory {
    private let root: KernelRoot
    private let buffer = ReadBuffer(size: 16_384)

    package init(_ root: KernelRoot) {
        self.root = root
    }

    /// The limits that hold for a process: its cgroup's and those of all above it.
    ///
    /// A kernel without cgroups has none. Reads `/proc/PID/cgroup` and a few files for each level.
    /// - Throws: when the process has gone.
    package func chain(of pid: Int32) throws(SystemError) -> CgroupChain {
        guard let membership = try membership(pid) else { return CgroupChain(path: nil) }
        if let path = membership.memory { return chain(pid, path, .version1) }
        if let path = membership.unified { return chain(pid, path, unifiedFiles) }
        return CgroupChain(path: nil)
    }

    private func membership(_ pid: Int32) throws(SystemError) -> CgroupMembership? {
        let path = "/proc/\(pid)/cgroup"
        do throws(SystemError) {
            let descriptor = try root.open(path)
            return try buffer.read(descriptor.raw, path: path) { CgroupMembership.parse($0) }
        } catch {
            if error.isAbsent, root.exists("/proc/\(pid)/stat") { return nil }
            throw error
        }
    }

    /// Where version 2 is mounted: beside version 1 (systemd's hybrid layout), or alone.
    private var unifiedFiles: CgroupFiles {
        .unified(CgroupFiles.unifiedMount(root) ?? "/sys/fs/cgroup")
    }

    private func chain(_ pid: Int32, _ path: String, _ files: CgroupFiles) -> CgroupChain {
        var chain = CgroupChain(path: path, isUnified: files.isUnified)
        // The kernel shows a cgroup outside of this process' cgroup namespace as /../…
        if path.split(separator: "/").contains("..") {
            chain.path = nil
            chain.problem = "The cgroup of process \(pid) (\(path)) is outside of what can be seen from here"
            return chain
        }
        if !root.exists(files.mount + path) {
            chain.problem = "\(files.mount)\(path) is not there: memory limits of process \(pid) may be missing"
        }
        for level in CgroupMemory.levels(path) {
            do throws(CgroupError) {
                if let limit = try limit(level, files) { chain.limits.append(limit) }
            } catch {
                chain.problem = error.description
            }
        }
        return chain
    }

    /// `/a/b`, `/a`, `/`.
    static func levels(_ path: String) -> [String] {
        var parts = path.split(separator: "/")
        var levels: [String] = []
        while !parts.isEmpty {
            levels.append("/" + parts.joined(separator: "/"))
            parts.removeLast()
        }
        return levels + ["/"]
    }

    /// One cgroup; `nil` when it has no limit, or no memory controller.
    private func limit(_ path: String, _ files: CgroupFiles) throws(CgroupError) -> CgroupLimit? {
        let maximum = try read(files.path(path, files.max)) { text throws(TextError) in try CgroupNumber.limit(text) }
        let high = try files.high.flatMap { name throws(CgroupError) in
            try read(files.path(path, name)) { text throws(TextError) in try CgroupNumber.limit(text) }
        }
        guard maximum != nil || high != nil else { return nil }
        let current = try read(files.path(path, files.current)) { text throws(TextError) in
            try CgroupNumber.bytes(text)
        }
        guard let current else { return nil }
        return CgroupLimit(path: path, currentBytes: current, maxBytes: maximum, highBytes: high)
    }

    /// The number in a file; `nil` where the file is missing.
    private func read(
        _ path: String,
        _ parse: (Span<UInt8>) throws(TextError) -> UInt64?
    ) throws(CgroupError) -> UInt64? {
        let parsed: Result<UInt64?, TextError>
        do throws(SystemError) {
            let descriptor = try root.open(path)
            parsed = try buffer.read(descriptor.raw, path: path) { text in
                Result { () throws(TextError) in try parse(text) }
            }
        } catch {
            if error.isAbsent || error.isGoneDevice { return nil }
            throw CgroupError(description: error.description)
        }
        do { return try parsed.get() } catch {
            throw CgroupError(description: "Failed to parse \(path): \(error)")
        }
    }
}

/// Why a limit could not be read, in one sentence.
private struct CgroupError: Error {
    var description: String
}

/// How the files of one version of memory cgroups are called.
struct CgroupFiles {
    var mount: String
    var isUnified: Bool
    var current: String
    var max: String
    var high: String?

    static let version1 = CgroupFiles(
        mount: "/sys/fs/cgroup/memory",
        isUnified: false,
        current: "memory.usage_in_bytes",
        max: "memory.limit_in_bytes",
        high: nil
    )

    static func unified(_ mount: String) -> CgroupFiles {
        CgroupFiles(
            mount: mount,
            isUnified: true,
            current: "memory.current",
            max: "memory.max",
            high: "memory.high"
        )
    }

    /// Where version 2 is mounted; `nil` where it is not.
    static func unifiedMount(_ root: KernelRoot) -> String? {
        ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first { root.exists($0 + "/cgroup.controllers") }
    }

    /// `/sys/fs/cgroup/a/memory.max`.
    func path(_ cgroup: String, _ file: String) -> String {
        cgroup == "/" ? "\(mount)/\(file)" : "\(mount)\(cgroup)/\(file)"
    }
}

extension CgroupMemory {
    /// Watches how much can still be charged to cgroups, on open files.
    ///
    /// - Parameter chains: their limits as read before; a cgroup that is in several is watched once. Cgroups without
    ///   `memory.max` are not watched, also when they get one later.
    /// - Throws: when a file cannot be opened although its cgroup is there.
    package func watch(_ chains: [CgroupChain]) throws(SystemError) -> Watch {
        var seen: Set<String> = []
        var files: [(current: KeptFile, max: KeptFile)] = []
        let unified = unifiedFiles
        for chain in chains {
            let names = chain.isUnified ? unified : .version1
            for limit in chain.limits where limit.maxBytes != nil && seen.insert(names.path(limit.path, "")).inserted {
                files.append((kept(names.path(limit.path, names.current)), kept(names.path(limit.path, names.max))))
            }
        }
        let watch = Watch(files)
        try watch.open()
        return watch
    }

    private func kept(_ path: String) -> KeptFile { KeptFile(root, path, buffer: buffer) }

    /// Limits that are read again and again while memory is un-shared.
    package final class Watch {
        private var files: [(current: KeptFile, max: KeptFile)]

        fileprivate init(_ files: [(current: KeptFile, max: KeptFile)]) {
            self.files = files
        }

        fileprivate func open() throws(SystemError) {
            for (current, max) in files {
                do {
                    _ = try current.read { _ in }
                    _ = try max.read { _ in }
                } catch {
                    if !error.isAbsent { throw error }
                }
            }
        }

        /// The least room before a limit, in KiB; `nil` when nothing is limited.
        ///
        /// Two reads for each cgroup with a limit. A cgroup that has gone is left out from then on; a file that cannot
        /// be read counts as no room.
        package func headroomKiB() -> UInt64? {
            var least: UInt64?
            for index in files.indices.reversed() {
                switch Watch.headroom(files[index]) {
                case .gone: files.remove(at: index)
                case .unlimited: break
                case .room(let kibibytes): least = min(least ?? .max, kibibytes)
                }
            }
            return least
        }

        private enum Headroom {
            case gone
            case unlimited
            case room(UInt64)
        }

        private static func headroom(_ files: (current: KeptFile, max: KeptFile)) -> Headroom {
            do throws(SystemError) {
                let limit = try files.max.read { text in Result { () throws(TextError) in try CgroupNumber.limit(text) }
                }
                let current = try files.current.read { try? CgroupNumber.bytes($0) }
                guard case .success(let limit) = limit, let current else { return .room(0) }
                guard let limit else { return .unlimited }
                return .room(CgroupLimit(path: "", currentBytes: current, maxBytes: limit).headroomKiB ?? 0)
            } catch {
                return error.isAbsent || error.isGoneDevice ? .gone : .room(0)
            }
        }
    }
}
