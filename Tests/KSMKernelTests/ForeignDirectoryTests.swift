import Foundation
import Glibc
import KSMKernel
import Testing

@Suite("Root writes in a directory of another user's")
struct ForeignDirectoryTests {
    private let place = FileManager.default.temporaryDirectory.appending(path: "ksmd-state-\(UUID().uuidString)").path

    private func root() throws -> KernelRoot {
        try FileManager.default.createDirectory(atPath: place + "/run/ksmd", withIntermediateDirectories: true)
        return try KernelRoot(place)
    }

    private func owner(_ name: String) -> uid_t? {
        var file = stat()
        return lstat(place + "/run/ksmd/" + name, &file) == 0 ? file.st_uid : nil
    }

    private var secret: String { place + "/secret" }

    /// Lays a trap into the directory.
    private func lay(_ kind: String, _ name: String) throws {
        let trap = place + "/run/ksmd/" + name
        try "secret".write(toFile: secret, atomically: true, encoding: .utf8)
        switch kind {
        case "pipe": mkfifo(trap, 0o600)
        case "link": symlink(secret, trap)
        default: link(secret, trap)
        }
    }

    @Test("What root leaves there belongs to the directory's user", .enabled(if: geteuid() == 0, "needs root"))
    func givesAway() throws {
        let root = try root()
        chown(place + "/run/ksmd", 4711, 4711)
        try root.replaceFile("/run/ksmd/hold", Array("x".utf8))
        _ = try root.create("/run/ksmd/lock", O_RDWR, mode: 0o600)
        #expect(owner("hold") == 4711 && owner("lock") == 4711)
        try FileManager.default.removeItem(atPath: place)
    }

    @Test("A pipe, a link and a second name are not opened", arguments: ["pipe", "link", "name"])
    func refuses(_ kind: String) throws {
        let root = try root()
        try lay(kind, "lock")
        #expect(throws: SystemError.self) { _ = try root.create("/run/ksmd/lock", O_RDWR, mode: 0o600) }
        #expect(try String(contentsOfFile: secret, encoding: .utf8) == "secret")
        try FileManager.default.removeItem(atPath: place)
    }

    @Test("A file is replaced whatever lies in the new one's place", arguments: ["pipe", "link", "name"])
    func replaces(_ kind: String) throws {
        let root = try root()
        try lay(kind, "hold.new")
        try root.replaceFile("/run/ksmd/hold", Array("held".utf8))
        #expect(try String(contentsOfFile: secret, encoding: .utf8) == "secret")
        #expect(try String(contentsOfFile: place + "/run/ksmd/hold", encoding: .utf8) == "held")
        try FileManager.default.removeItem(atPath: place)
    }
}
