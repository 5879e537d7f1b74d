import Foundation
import KSMConfiguration
import Testing

/// A unit of `packaging/systemd` as `systemd-analyze security` sees it, with a drop-in or without.
enum Exposure {
    /// The names of the drop-ins for ksmd.service.
    static var dropIns: [String] {
        let names = (try? Repository.names("packaging/systemd/drop-ins")) ?? []
        return names.filter { $0.hasSuffix(".conf") }.sorted()
    }

    /// Its score, such as `0.8`.
    static func score(_ unit: String, dropIn: String? = nil) throws -> String {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("ksmd-score-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        // The instance of a template: its file has the name of the whole.
        let file = place.appendingPathComponent(unit.replacingOccurrences(of: "@.", with: "@x."))
        let extra = place.appendingPathComponent(file.lastPathComponent + ".d")
        try FileManager.default.createDirectory(at: extra, withIntermediateDirectories: true)
        let shipped = Repository.url.appendingPathComponent("packaging/systemd")
        try FileManager.default.copyItem(at: shipped.appendingPathComponent(unit), to: file)
        if let dropIn {
            let from = shipped.appendingPathComponent("drop-ins/\(dropIn)")
            try FileManager.default.copyItem(at: from, to: extra.appendingPathComponent(dropIn))
        }
        let result = try Tool.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", file.path])
        let words = result.output.split(whereSeparator: \.isWhitespace).map(String.init)
        let number = words.lastIndex { Double($0) != nil && $0.contains(".") }
        return try #require(number.map { words[$0] }, "\(result.errors)")
    }

    /// Whether systemd-analyze is there and looks at files.
    static var canMeasure: Bool {
        (try? Tool.run(["systemd-analyze", "security", "--help"]))?.output.contains("--offline") ?? false
    }
}

@Suite("docs/operations.md, of the package")
struct PackageDocumentTests {
    let lines: [String]

    init() throws {
        lines = try Repository.lines("docs/operations.md")
    }

    @Test("every example of ksmd.conf is understood")
    func examples() throws {
        let blocks = lines.split(omittingEmptySubsequences: false) { $0 == "```ini" }.dropFirst().map { block in
            block.prefix { $0 != "```" }.joined(separator: "\n")
        }
        #expect(blocks.count > 1)
        for block in blocks {
            let loaded = Configuration.load(sources: [Source(path: "example", kind: .dropIn, bytes: Array(block.utf8))])
            #expect(loaded.warnings.isEmpty, "\(loaded.warnings.map(\.description))")
        }
    }

    @Test("has the score of ksmd.service", .enabled("systemd-analyze is missing or old") { Exposure.canMeasure })
    func score() throws {
        #expect(try row("none").last == (try Exposure.score("ksmd.service")))
    }

    @Test("has the score of the helper", .enabled("systemd-analyze is missing or old") { Exposure.canMeasure })
    func helperScore() throws {
        let score = try Exposure.score("ksmd-helper@.service")
        #expect(Repository.tableRows(lines).contains { $0.contains("its helper (\(score))") })
    }

    @Test("has every drop-in with its score, as the drop-in itself says it", arguments: Exposure.dropIns)
    func dropIn(_ name: String) throws {
        let score = try #require(try row(name).last)
        #expect(try Repository.text("packaging/systemd/drop-ins/\(name)").contains("security ksmd` gives \(score)"))
        guard Exposure.canMeasure else { return }
        #expect(score == (try Exposure.score("ksmd.service", dropIn: name)))
    }

    @Test("has a way back for every way in: what installs is undone")
    func undo() {
        let text = lines.joined(separator: "\n")
        for command in ["apt remove ksmd", "apt purge ksmd", "ksmctl unmerge", "mask --now ksmd", "ksmd --restore"] {
            #expect(text.contains(command), "\(command)")
        }
    }

    private func row(_ name: String) throws -> [String] {
        try #require(Repository.tableRows(lines).first { $0.first == name }, "\(name) has no row")
    }
}
