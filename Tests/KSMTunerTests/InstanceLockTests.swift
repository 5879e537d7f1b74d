import Foundation
import Glibc
import KSMKernel
import Testing

@testable import KSMTuner

@Suite("Who holds the lock of the daemon")
struct InstanceLockTests {
    /// fcntl-linux.h, hidden from Swift.
    private static let setOpenFileLock: Int32 = 37

    @Test("A lock that names no process is an error, and nobody is signalled for it")
    func noProcess() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "ksmd-lock-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place + "/run/ksmd", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let root = try KernelRoot(place)
        let file = try root.create(InstanceLock.path, O_RDWR, mode: 0o644)
        #expect(try InstanceLock.holder(root) == nil)
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        #expect(fcntl(file.raw, Self.setOpenFileLock, &lock) == 0)
        #expect(throws: SystemError.self) { _ = try InstanceLock.holder(root) }
    }
}
