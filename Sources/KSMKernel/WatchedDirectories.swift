import Glibc
import KSMText

/// Directories that inotify watches for what is made and removed in them.
final class WatchedDirectories {
    /// Events that are read at a time: 4 KiB hold a hundred with the names of guests' cgroups.
    private static let bufferSize = 4096

    private let root: KernelRoot
    private let descriptor: FileDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: WatchedDirectories.bufferSize,
        alignment: 16
    )
    /// The number of each watch by its path.
    private var watches: [String: Int32] = [:]

    /// - Throws: EMFILE at the user's limit of instances (fs.inotify.max_user_instances) or of open files.
    init(_ root: KernelRoot) throws(SystemError) {
        self.root = root
        let raw = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard raw >= 0 else { throw SystemError(operation: "open", path: "inotify", errno: errno) }
        descriptor = FileDescriptor(owning: raw)
    }

    deinit {
        buffer.deallocate()
    }

    var raw: Int32 { descriptor.raw }

    func isWatched(_ path: String) -> Bool { watches[path] != nil }

    func path(of watch: Int32) -> String? { watches.first { $0.value == watch }?.key }

    /// Watches a directory, or goes on watching it.
    ///
    /// - Returns: whether it is there.
    /// - Throws: ENOSPC at the user's limit of watches (fs.inotify.max_user_watches), EACCES.
    func add(_ path: String) throws(SystemError) -> Bool {
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try root.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.isAbsent { return false }
            throw error
        }
        let mask: InotifyEvent.Mask = [.created, .deleted]
        // Relative to the root there is no inotify_add_watch.
        let watch = inotify_add_watch(raw, "/proc/self/fd/\(directory.raw)", mask.rawValue | UInt32(IN_ONLYDIR))
        guard watch >= 0 else {
            if errno == ENOENT { return false }
            throw SystemError(operation: "watch", path: path, errno: errno)
        }
        watches[path] = watch
        return true
    }

    /// Stops watching a directory that has gone, and what was below it.
    ///
    /// A removed cgroup does not end its watch by itself (kernfs tells its removal only in the directory above), and
    /// the kernel keeps the cgroup's inode as long as the watch is there.
    func forget(_ path: String) {
        for (watched, number) in watches where watched == path || watched.hasPrefix(path + "/") {
            inotify_rm_watch(raw, number)
            watches[watched] = nil
        }
    }

    /// The kernel has ended a watch.
    func ended(_ watch: Int32) {
        if let path = path(of: watch) { watches[path] = nil }
    }

    /// Reads the events that are there, at most a buffer full.
    ///
    /// - Returns: how many there were; 0 when there are no more.
    func read(_ body: (InotifyEvent) -> Void) throws(SystemError) -> Int {
        let length = Glibc.read(raw, buffer.baseAddress, buffer.count)
        guard length >= 0 else {
            if errno == EAGAIN || errno == EINTR { return 0 }
            throw SystemError(operation: "read", path: "inotify", errno: errno)
        }
        var count = 0
        UnsafeRawBufferPointer(rebasing: buffer.prefix(length)).withMemoryRebound(to: UInt8.self) { bytes in
            var position = 0
            while let event = InotifyText.next(bytes.span, from: &position) {
                body(event)
                count += 1
            }
        }
        return count
    }
}
