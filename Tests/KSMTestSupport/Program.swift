package import Foundation

/// One of our programs, run as its users run it.
package final class Program {
    package let process = Process()
    private let directory: URL

    /// Where the built programs are: beside the test bundle.
    package static var directory: URL {
        let build = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build")
        let candidates = [Bundle.main.bundleURL, build.appending(path: "debug")]
        return candidates.first { FileManager.default.fileExists(atPath: $0.appending(path: "ksmd").path) } ?? build
    }

    /// Starts the program; what it prints goes to files.
    package init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "ksmd-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        process.executableURL = name.hasPrefix("/") ? URL(filePath: name) : Program.directory.appending(path: name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try file("out")
        process.standardError = try file("err")
        try process.run()
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGTERM)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: directory)
    }

    private func file(_ name: String) throws -> FileHandle {
        let url = directory.appending(path: name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: directory.appending(path: name), encoding: .utf8)) ?? ""
    }

    package var standardOutput: String { text("out") }
    package var standardError: String { text("err") }
    package var pid: Int32 { process.processIdentifier }

    package func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for the end.
    ///
    /// - Returns: the exit status, or minus the signal.
    @discardableResult
    package func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Sends SIGTERM and waits.
    ///
    /// - Returns: the exit status.
    @discardableResult
    package func stop() -> Int32 {
        send(SIGTERM)
        return wait()
    }

    /// Runs a program to its end.
    package static func run(_ name: String, _ arguments: [String]) throws -> (status: Int32, out: String, err: String) {
        let program = try Program(name, arguments)
        let status = program.wait()
        return (status, program.standardOutput, program.standardError)
    }
}
