import Foundation

/// The checked-out sources.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// One Swift file below `Sources`.
    struct File: Sendable {
        /// The directory of `Sources` that it is in: its target.
        var room: String
        var path: String
        var text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The lines without what stands behind `//`; a `//` in a string literal cuts the line too.
        var code: [String] {
            lines.map { line in line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? String(line) }
        }

        /// The modules that the file imports.
        var imports: Set<String> {
            let pattern =
                #/^\s*(?:(?:package|public|internal|fileprivate|private|@\w+(?:\(\w+\))?)\s+)*import\s+(?:(?:struct|class|enum|func|var|typealias|protocol)\s+)?(\w+)/#
            return Set(code.compactMap { $0.firstMatch(of: pattern).map { String($0.1) } })
        }
    }

    /// The directories of `Sources`.
    static let rooms: [String] = entries(of: "Sources")

    static let files: [File] = rooms.flatMap { room in
        (FileManager.default.enumerator(atPath: root.path + "/Sources/" + room)?.allObjects ?? [])
            .compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
            .map { File(room: room, path: "Sources/\(room)/\($0)", text: read("Sources/\(room)/\($0)")) }
    }

    static func read(_ path: String) -> String {
        (try? String(contentsOfFile: root.path + "/" + path, encoding: .utf8)) ?? ""
    }

    static func entries(of path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: root.path + "/" + path))?.sorted() ?? []
    }
}

/// What Package.swift says about one target of `Sources`.
struct PackageTarget {
    var name: String
    var dependencies: Set<String>
    var settings: String

    static let all: [PackageTarget] = {
        let pattern =
            #/\.(?:target|executableTarget)\(\s*name: "([^"]+)"(?:,\s*dependencies: \[([^\]]*)\])?(?:,\s*path: "([^"]+)")?(?:,\s*swiftSettings: (\w+))?/#
        return SourceTree.read("Package.swift").matches(of: pattern).filter { $0.3 == nil }.map { match in
            let list = match.2.map(String.init) ?? ""
            let products = list.replacing(#/package: "[^"]+"/#, with: "")
            return PackageTarget(
                name: String(match.1),
                dependencies: Set(products.matches(of: #/"([^"]+)"/#).map { String($0.1) }),
                settings: match.4.map(String.init) ?? ""
            )
        }
    }()
}
