import Glibc
import KSMText

/// Hears of cgroups that come and go directly below some others, such as those of libvirt's guests below
/// `machine.slice`.
///
/// A cgroup that is named need not be there: the directories above it are watched, always, and tell when it comes and
/// when it has gone (`machine.slice` is there only while guests are). Version 2 only. Needs no privilege.
package final class CgroupWatch {
    /// What one `drain()` has heard.
    package struct Heard: Equatable, Sendable {
        /// A cgroup has come or gone directly below one of those that were named, or one of those or above them has.
        package var changed = false
        /// The kernel had more to say than it keeps: look again at everything.
        package var missed = false
        /// Something could not be read or watched.
        package var problem: SystemError?

        package init() {}
    }

    /// Reads of one `drain()` at most, so that a storm does not stop the loop.
    private static let mostReads = 64

    private let directories: WatchedDirectories
    /// The cgroups that were named.
    private let targets: Set<String>
    /// Those, and all that are above them, the upper ones first.
    private let wanted: [String]

    /// Begins to watch.
    ///
    /// - Parameter paths: cgroups as seen from the top of the hierarchy: `machine.slice`, `a.slice/b.slice`; `/` is the
    ///   top itself.
    /// - Throws: ENOENT where version 2 is not mounted, EINVAL for a path with `..` in it, EMFILE and ENOSPC at a limit
    ///   of inotify.
    package init(_ root: KernelRoot, _ paths: [String]) throws(SystemError) {
        guard let mount = CgroupFiles.unifiedMount(root) else {
            throw SystemError(operation: "watch", path: "/sys/fs/cgroup/cgroup.controllers", errno: ENOENT)
        }
        var targets: Set<String> = []
        var wanted: Set<String> = [mount]
        for path in paths {
            let parts = path.split(separator: "/")
            guard !parts.contains("..") else { throw SystemError(operation: "watch", path: path, errno: EINVAL) }
            var target = mount
            for part in parts {
                target += "/" + part
                wanted.insert(target)
            }
            targets.insert(target)
        }
        self.targets = targets
        self.wanted = wanted.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        directories = try WatchedDirectories(root)
        try arm()
    }

    /// The descriptor to wait for, until it can be read.
    package var raw: Int32 { directories.raw }

    /// Those of the named cgroups that are there now, as full paths.
    package var present: [String] { wanted.filter { targets.contains($0) && directories.isWatched($0) } }

    /// Reads what has been heard, without waiting.
    package func drain() -> Heard {
        var heard = Heard()
        do throws(SystemError) {
            for _ in 0..<CgroupWatch.mostReads {
                var isNew = false
                let count = try directories.read { event in if take(event, &heard) { isNew = true } }
                if isNew { try arm() }
                if count == 0 { break }
            }
        } catch {
            heard.problem = error
        }
        return heard
    }

    /// Watches what is there and is not watched yet.
    ///
    /// From the top down, and each directory before it is looked into for the next: what comes meanwhile is heard.
    private func arm() throws(SystemError) {
        for path in wanted where !directories.isWatched(path) { _ = try directories.add(path) }
    }

    /// - Returns: whether there may be a directory to watch that was not there before.
    private func take(_ event: InotifyEvent, _ heard: inout Heard) -> Bool {
        if event.mask.contains(.overflow) {
            heard.missed = true
            for path in wanted { directories.forget(path) }
            return true
        }
        guard let path = directories.path(of: event.watch) else { return false }
        if event.mask.contains(.ignored) {
            directories.ended(event.watch)
            return false
        }
        guard event.mask.contains(.directory) else { return false }
        if targets.contains(path) { heard.changed = true }
        let place = path + "/" + event.name
        guard wanted.contains(place) else { return false }
        // Another directory may have this name by now, with a watch of its own, which this ends; what comes meanwhile
        // is not heard, so there is a change in any case.
        directories.forget(place)
        heard.changed = true
        return true
    }
}
