package import Glibc

/// Where the files are: the running machine, or a directory that holds a recorded one.
///
/// The only seam between ksmd and the files of a machine: everything is opened relative to one directory descriptor.
/// Paths are written as on the machine (`/sys/kernel/mm/ksm/run`).
package final class KernelRoot {
    /// Whether this is the running machine.
    package let isLive: Bool
    private let directory: FileDescriptor

    /// - Parameter path: the directory of a recorded machine; `nil` is the running one.
    /// - Throws: when the directory cannot be opened.
    package init(_ path: String? = nil) throws(SystemError) {
        isLive = path == nil
        let place = path ?? "/"
        let raw = Glibc.open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw SystemError(operation: "open", path: place, errno: errno) }
        directory = FileDescriptor(owning: raw)
    }

    /// Opens a file.
    ///
    /// `O_CLOEXEC` is always set.
    package func open(_ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0o644) throws(SystemError)
        -> FileDescriptor
    {
        let raw = openat(directory.raw, relative(path), flags | O_CLOEXEC, mode)
        guard raw >= 0 else {
            let verb = flags & O_ACCMODE == O_RDONLY ? "open" : "open for writing"
            throw SystemError(operation: verb, path: path, errno: errno)
        }
        return FileDescriptor(owning: raw)
    }

    /// Opens a file of `/proc/PID` for reading without allocating: that happens for every young process at every tick.
    ///
    /// - Parameter file: such as `stat`, at most 40 bytes.
    func open(process pid: Int32, _ file: StaticString) throws(SystemError) -> FileDescriptor {
        let raw = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { room in
            var end = 0
            func append(_ byte: UInt8) {
                guard end < room.count - 1 else { return }
                room[end] = CChar(bitPattern: byte)
                end += 1
            }
            for byte in ("proc/" as StaticString).bytes { append(byte) }
            var divisor: Int32 = 1_000_000_000
            while divisor > max(1, pid) { divisor /= 10 }
            while divisor > 0 {
                append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: pid / divisor % 10))
                divisor /= 10
            }
            append(UInt8(ascii: "/"))
            for byte in file.bytes { append(byte) }
            room[end] = 0
            return room.baseAddress.map { openat(directory.raw, $0, O_RDONLY | O_CLOEXEC) } ?? -1
        }
        guard raw >= 0 else { throw SystemError(operation: "open", path: "/proc/\(pid)/\(file)", errno: errno) }
        return FileDescriptor(owning: raw)
    }

    /// The bytes of a file.
    /// - Parameter limit: a longer file is refused with EFBIG.
    package func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit + 1) { buffer, count in
            let result = descriptor.readWhole(into: UnsafeMutableRawBufferPointer(buffer))
            count = max(0, result)
            failure = result < 0 ? Int32(-result) : result > limit ? EFBIG : 0
        }
        guard failure == 0 else { throw SystemError(operation: "read", path: path, errno: failure) }
        return bytes
    }

    /// The names in a directory, without `.` and `..`, in no order.
    package func list(_ path: String) throws(SystemError) -> [String] {
        let listing = try DirectoryListing(self, path)
        var names: [String] = []
        listing.forEach { name, _ in
            names.append(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
        }
        return names
    }

    /// Whether something is there under this name, links followed.
    package func exists(_ path: String) -> Bool {
        faccessat(directory.raw, relative(path), F_OK, 0) == 0
    }

    /// Checks that this process may write the file.
    ///
    /// - Throws: with the reason (EACCES, EROFS, ENOENT).
    package func checkWritable(_ path: String) throws(SystemError) {
        guard faccessat(directory.raw, relative(path), W_OK, AT_EACCESS) == 0 else {
            throw SystemError(operation: "open for writing", path: path, errno: errno)
        }
    }

    /// Opens a file, made where there is none, never through a link; its mode is the one given, whatever the umask.
    ///
    /// What root makes in a directory of another user's belongs to that user: ksmd has to open what root's ksmctl has left
    /// in /run/ksmd.
    package func create(_ path: String, _ flags: Int32, mode: mode_t) throws(SystemError) -> FileDescriptor {
        let descriptor = try open(path, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: mode)
        var file = stat()
        // What is no plain file, or has another name, somebody has put there.
        guard fstat(descriptor.raw, &file) == 0, file.st_mode & S_IFMT == S_IFREG, file.st_nlink == 1 else {
            throw SystemError(operation: "make", path: path, errno: EEXIST)
        }
        fchmod(descriptor.raw, mode)
        if geteuid() == 0, file.st_uid == 0 { giveAway(descriptor, path) }
        return descriptor
    }

    private func giveAway(_ descriptor: borrowing FileDescriptor, _ path: String) {
        var parent = stat()
        let above = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard fstatat(directory.raw, relative(above), &parent, 0) == 0, parent.st_uid != 0 else { return }
        fchown(descriptor.raw, parent.st_uid, parent.st_gid)
    }

    /// Replaces a file in one step: a new file beside it is renamed over it.
    ///
    /// Directories on the way are made (0755).
    package func replaceFile(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws(SystemError) {
        try makeDirectories(for: path)
        let fresh = path + ".new"
        do {
            try remove(fresh)
            let descriptor = try create(fresh, O_WRONLY | O_EXCL, mode: mode)
            try write(bytes, to: descriptor.raw, path: fresh)
        }
        guard renameat(directory.raw, relative(fresh), directory.raw, relative(path)) == 0 else {
            throw SystemError(operation: "replace", path: path, errno: errno)
        }
    }

    /// Removes a file; one that is not there is no error.
    package func remove(_ path: String) throws(SystemError) {
        guard unlinkat(directory.raw, relative(path), 0) == 0 || errno == ENOENT else {
            throw SystemError(operation: "remove", path: path, errno: errno)
        }
    }

    /// Makes the directories above `path` that are missing.
    package func makeDirectories(for path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") && index > 0 {
            let parent = String(decoding: bytes[..<index], as: UTF8.self)
            guard mkdirat(directory.raw, relative(parent), 0o755) == 0 || errno == EEXIST else {
                throw SystemError(operation: "make directory", path: parent, errno: errno)
            }
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError(operation: "write", path: path, errno: count < 0 ? errno : EIO) }
            offset += count
        }
    }

    /// `/sys/x` below the directory: `sys/x`; the directory itself is `.`.
    private func relative(_ path: String) -> String {
        let rest = path.drop { $0 == "/" }
        return rest.isEmpty ? "." : String(rest)
    }
}

/// A directory that is listed again and again without allocating.
final class DirectoryListing {
    private let stream: OpaquePointer

    init(_ root: KernelRoot, _ path: String) throws(SystemError) {
        let descriptor = try root.open(path, O_RDONLY | O_DIRECTORY).take()
        guard let stream = fdopendir(descriptor) else {
            let cause = errno
            close(descriptor)
            throw SystemError(operation: "list", path: path, errno: cause)
        }
        self.stream = stream
    }

    deinit {
        closedir(stream)
    }

    /// Calls `body` with each entry's name (with the NUL that ends it) and inode number.
    func forEach(_ body: (UnsafeRawBufferPointer, UInt64) -> Void) {
        rewinddir(stream)
        while let entry = readdir(stream) {
            let inode = UInt64(entry.pointee.d_ino)
            withUnsafeBytes(of: &entry.pointee.d_name) { name in
                let isDot =
                    name[0] == UInt8(ascii: ".") && (name[1] == 0 || (name[1] == UInt8(ascii: ".") && name[2] == 0))
                if !isDot { body(name, inode) }
            }
        }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
