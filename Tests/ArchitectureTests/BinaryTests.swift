import Foundation
import Testing

/// The daemon as it is shipped: built with `swift build -c release --static-swift-stdlib`.
enum ReleaseBinary {
    static let path = SourceTree.root.path + "/.build/release/ksmd"
    static let isBuilt = FileManager.default.fileExists(atPath: path)

    /// What a program prints; throws when it fails.
    static func output(of words: String...) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(words) failed")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The libraries that the program asks the loader for, without version.
    static func libraries() throws -> Set<String> {
        let pattern = #/\(NEEDED\)\s+Shared library: \[(ld-linux|[^.\]]+)[^\]]*\]/#
        return Set(try output(of: "readelf", "--dynamic", path).matches(of: pattern).map { String($0.1) })
    }
}

@Suite("The daemon's binary", .enabled(if: ReleaseBinary.isBuilt, "there is no release build"))
struct BinaryTests {
    @Test("It links the system's libraries and no Swift")
    func libraries() throws {
        let libraries = try ReleaseBinary.libraries()
        #expect(libraries.isSubset(of: ["libsystemd", "libnuma", "libc", "libm", "libstdc++", "libgcc_s", "ld-linux"]))
        #expect(libraries.isSuperset(of: ["libsystemd", "libnuma", "libc"]))
    }

    /// What is linked statically only the symbols show.
    @Test(
        "It has no Dispatch, no Swift concurrency and no Foundation inside",
        arguments: [
            #"^_?dispatch_"#, "swift_task_create", "swift_job_run", "10Foundation", "FoundationEssentials",
            "_StringProcessing",
        ]
    )
    func symbols(_ pattern: String) throws {
        let regex = try Regex(pattern)
        let names = try ReleaseBinary.output(of: "nm", ReleaseBinary.path).split(separator: "\n")
            .compactMap { $0.split(separator: " ").last }
        #expect(names.count > 1000)
        #expect(names.filter { $0.contains(regex) }.prefix(3).isEmpty)
    }

    @Test("It is position-independent, and its symbols are bound at start")
    func hardening() throws {
        let header = try ReleaseBinary.output(of: "readelf", "--file-header", "--dynamic", ReleaseBinary.path)
        #expect(header.contains(#/Type:\s+DYN/#))
        #expect(header.contains(#/\(FLAGS_1\)\s+Flags: NOW PIE/#))
        #expect(header.contains("BIND_NOW"))
    }

    @Test("It is no larger than 7.5 MB without its symbols")
    func size() throws {
        let stripped = FileManager.default.temporaryDirectory.appendingPathComponent("ksmd-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: stripped) }
        _ = try ReleaseBinary.output(of: "strip", "-o", stripped.path, ReleaseBinary.path)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: stripped.path)[.size] as? Int)
        #expect(size > 100_000 && size <= 7_500_000)
    }
}
