import Foundation

/// The files of this repository, and the programs built from it.
enum Repository {
    static let url = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let markdown = [
        "README.md", "NEWS.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/policy.md", "docs/operations.md",
    ]
    static let manualPages = [
        "packaging/man/ksmd.8", "packaging/man/ksmctl.8", "packaging/man/ksmd.conf.5", "packaging/man/org.ksmd1.5",
        "packaging/man/ksmd.journal-fields.7",
    ]

    static func text(_ path: String) throws -> String {
        try String(contentsOf: url.appendingPathComponent(path), encoding: .utf8)
    }

    static func lines(_ path: String) throws -> [String] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: url.appendingPathComponent(path).path)
    }

    static func isExecutable(_ path: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: url.appendingPathComponent(path).path)
    }

    /// The names in a directory, hidden ones left out, in no order.
    static func names(_ path: String) throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(path).path)
        return names.filter { !$0.hasPrefix(".") }
    }

    /// All files below a directory, as paths from it.
    static func files(below path: String) -> Set<String> {
        let directory = url.appendingPathComponent(path)
        let all = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        return Set(
            all.filter { name in
                let values = try? directory.appendingPathComponent(name).resourceValues(forKeys: [.isRegularFileKey])
                return values?.isRegularFile == true && !name.split(separator: "/").contains { $0.hasPrefix(".") }
            }
        )
    }

    /// The cells of the rows of all tables in Markdown lines, rules and the backquotes of code left out.
    static func tableRows(_ lines: some Sequence<String>) -> [[String]] {
        lines.filter { $0.hasPrefix("|") && !$0.hasPrefix("| ---") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "`", with: "")
            }
        }
    }
}

/// Runs programs.
enum Tool {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Where the programs of this build are: beside the test bundle.
    static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// A program of this build.
    static func built(_ name: String, _ arguments: String...) throws -> String {
        let result = try run([directory.appendingPathComponent(name).path] + arguments)
        return result.output
    }

    static func isInstalled(_ name: String) -> Bool {
        (try? run(["sh", "-c", "command -v \(name)"]))?.status == 0
    }

    static func run(_ words: [String]) throws -> Result {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self)
        )
    }

    /// The options in a help text: `--json`.
    static func options(in help: String) -> Set<String> {
        var found: Set<String> = []
        for word in help.split(whereSeparator: { " ,=[]|\n".contains($0) }) where word.hasPrefix("--") {
            found.insert(String(word))
        }
        return found
    }
}
