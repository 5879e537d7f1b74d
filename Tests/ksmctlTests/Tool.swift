import Foundation

/// Runs the built programs, which lie beside the test bundle.
enum Tool {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    static let ksmctl = directory.appendingPathComponent("ksmctl").path
    static let isRoot = geteuid() == 0
    static let hasKSM = FileManager.default.fileExists(atPath: "/sys/kernel/mm/ksm/run")

    /// Words that run a command as a user who may nothing.
    static let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    /// Whether this process may become nobody, and nobody may run ksmctl where it lies.
    static let canBeNobody = isRoot && (try? run(["--version"], prefix: nobody))?.status == 0
    /// Whether this process may have mounts of its own.
    static let canMount = isRoot && (try? runProgram(["unshare", "--mount", "true"]))?.status == 0

    /// Runs ksmctl, with other words before it where `prefix` is given.
    static func run(_ arguments: [String], prefix: [String] = []) throws -> Result {
        try runProgram(prefix + [ksmctl] + arguments)
    }

    static func runProgram(_ words: [String]) throws -> Result {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // A signal is no exit status: negative, so that no expectation meets it by chance.
        let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return Result(
            status: status,
            output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self)
        )
    }
}

/// A directory that goes when the test ends.
final class TemporaryDirectory {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ksmctl-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(name, text) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ text: String) throws {
        let place = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: place)
    }

    func read(_ name: String) -> String? {
        FileManager.default.contents(atPath: path + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All files below the directory, as paths from it.
    func files() -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
    }
}
