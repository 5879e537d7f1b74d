import Glibc
import Testing

/// A system call of a test that must not fail.
struct SystemCallFailed: Error {
    let call: String
    let code: Int32
}

/// Throws if `result` is negative, as system calls are when they fail.
@discardableResult
func succeed<Result: SignedInteger>(_ call: String, _ result: Result) throws -> Result {
    guard result < 0 else { return result }
    throw SystemCallFailed(call: call, code: errno)
}

/// A function of the C library that Swift does not import.
func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
    unsafeBitCast(try #require(dlsym(nil, name)), to: type)
}

/// A pipe whose ends are closed with it.
final class Pipe {
    let readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws {
        typealias Pipe2 = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
        let pipe2 = try function("pipe2", as: Pipe2.self)
        var ends: [Int32] = [-1, -1]
        try succeed("pipe2", pipe2(&ends, Int32(O_CLOEXEC)))
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        closeWriteEnd()
        close(readEnd)
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    /// Writes until nothing more fits.
    func fill() throws {
        let flags = try succeed("fcntl", fcntl(writeEnd, F_GETFL))
        try succeed("fcntl", fcntl(writeEnd, F_SETFL, flags | O_NONBLOCK))
        let filler = [UInt8](repeating: 0, count: 4096)
        while write(writeEnd, filler, filler.count) > 0 {}
        try succeed("fcntl", fcntl(writeEnd, F_SETFL, flags))
    }

    /// What is in the pipe now, without waiting for more.
    func available() throws -> [UInt8] {
        var request = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        guard try succeed("poll", poll(&request, 1, 0)) == 1 else { return [] }
        return try chunk()
    }

    /// Everything up to the end, waiting for it.
    func rest() throws -> [UInt8] {
        closeWriteEnd()
        var bytes: [UInt8] = []
        while case let part = try chunk(), !part.isEmpty { bytes += part }
        return bytes
    }

    private func chunk() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = try succeed("read", read(readEnd, &buffer, buffer.count))
        return Array(buffer[..<count])
    }
}

/// Text from bytes, for comparisons that print well.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Starts a program with an empty signal mask, its standard output going to `output`, and returns its pid.
func start(_ arguments: [String], output: Int32? = nil) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output { posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for argument in vector { free(argument) } }
    var pid: pid_t = 0
    let result = posix_spawnp(&pid, arguments[0], &actions, &attributes, &vector, environ)
    guard result == 0 else { throw SystemCallFailed(call: "posix_spawnp \(arguments)", code: result) }
    return pid
}

/// Runs a program to its end and returns what it printed; throws if it fails.
func outputOf(_ arguments: String...) throws -> [UInt8] {
    let pipe = try Pipe()
    let pid = try start(arguments, output: pipe.writeEnd)
    let output = try pipe.rest()
    var status: Int32 = 0
    try succeed("waitpid", waitpid(pid, &status, 0))
    guard status == 0 else { throw SystemCallFailed(call: "\(arguments)", code: status) }
    return output
}

/// Waits until a child has ended, and leaves it to somebody else to reap.
func waitUntilEnded(_ pid: Int32) throws {
    var info = siginfo_t()
    try succeed("waitid", waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT))
}

/// The resident memory of this process in KiB; proc_pid_statm(5).
func residentKiB() throws -> Int {
    let descriptor = try succeed("open", open("/proc/self/statm", O_RDONLY | O_CLOEXEC))
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = try succeed("read", read(descriptor, &buffer, buffer.count))
    let pages = try #require(Int(text(Array(buffer[..<count])).split(separator: " ")[1]))
    return pages * sysconf(Int32(_SC_PAGESIZE)) / 1024
}
