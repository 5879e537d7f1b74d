import Foundation
import Glibc
import Testing

/// The programs that these tests need, and whether this machine allows them.
enum Rig {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let directory = repository.appending(path: "Tests/FootprintTests/rig")

    /// The release build of ksmd, or what `KSMD_BINARY` names: budgets are not those of a debug build.
    static let ksmd: String =
        ProcessInfo.processInfo.environment["KSMD_BINARY"] ?? repository.appending(path: ".build/release/ksmd").path

    static let hasBinary = access(ksmd, X_OK) == 0
    static let noBinary: Comment =
        "there is no release build: swift build -c release --static-swift-stdlib --product ksmd"

    /// Whether namespaces of one's own are to be had.
    static let hasNamespaces =
        hasBinary && geteuid() == 0
        && (try? run("/usr/bin/env", ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "true"]))
            != nil
    static let noNamespaces: Comment = "needs a release build of ksmd, root, and namespaces of its own (unshare)"

    static let standIns = Result { try compile("stand-ins.c", ["-static"]) }
    static let allocationCounter = Result { try compile("count-allocations.c", ["-shared", "-fPIC"]) }

    /// Compiles one of the sources in `rig`.
    ///
    /// - Returns: the path of the result, beside the other build products.
    private static func compile(_ source: String, _ flags: [String]) throws -> String {
        let place = repository.appending(path: ".build/footprint-rig")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let product = place.appending(path: source.replacingOccurrences(of: ".c", with: ""))
        let fresh = product.path + ".\(getpid())"
        try run("/usr/bin/env", ["cc", "-O1"] + flags + ["-o", fresh, directory.appending(path: source).path])
        guard rename(fresh, product.path) == 0 else { throw POSIXError(.EIO) }
        return product.path
    }

    /// Runs a program to its end.
    ///
    /// - Returns: what it printed. - Throws: when it fails.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(program) \(arguments) ended with \(process.terminationStatus)")
        }
        return String(decoding: text, as: UTF8.self)
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Looks again and again until there is a value.
///
/// - Throws: when there is none in time.
func poll<Value>(
    _ what: String,
    seconds: Double = 60,
    _ look: () throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if let value = try look() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw Failure("no \(what) within \(seconds) s")
}

/// The same without letting other tests run meanwhile.
func pollHere<Value>(_ what: String, seconds: Double = 30, _ look: () throws -> Value?) throws -> Value {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if let value = try look() { return value }
        usleep(2000)
    }
    throw Failure("no \(what) within \(seconds) s")
}

/// The middle one.
func median<Value: Comparable>(_ values: [Value]) throws -> Value {
    try #require(!values.isEmpty)
    return values.sorted()[values.count / 2]
}
