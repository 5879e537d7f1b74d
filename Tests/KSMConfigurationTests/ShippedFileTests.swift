import Foundation
import KSMConfiguration
import KSMModel
import Testing

@Suite("The shipped ksmd.conf and the table of keys")
struct ShippedFileTests {
    private static let url = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("packaging/ksmd.conf")

    private func shipped() throws -> String {
        try String(contentsOf: ShippedFileTests.url, encoding: .utf8)
    }

    @Test("the file as shipped sets nothing and warns of nothing")
    func asShipped() throws {
        let configuration = native(try shipped())
        #expect(configuration.settings == Settings())
        #expect(configuration.lines == [])
        #expect(configuration.entries.allSatisfy { $0.origin == .default })
    }

    @Test("with every key switched on it gives the defaults, without a warning")
    func uncommented() throws {
        let lines = try shipped().split(separator: "\n").map { isKey($0) ? String($0.dropFirst()) : String($0) }
        let configuration = native(lines.joined(separator: "\n"))
        #expect(configuration.settings == Settings())
        #expect(configuration.lines == [])
        // LogFile= is empty, which is no assignment; all others come from the file.
        #expect(configuration.entries.filter { $0.origin == .default }.map(\.key) == ["LogFile"])
    }

    @Test("every key stands in it once, in its section, at its default")
    func everyKeyOnce() throws {
        var section = ""
        var found: [String] = []
        for line in try shipped().split(separator: "\n") {
            if line.hasPrefix("[") { section = String(line) }
            if isKey(line) { found.append(section + line.dropFirst()) }
        }
        #expect(found == ConfigurationKey.all.map { "[\($0.section)]\($0.name)=\($0.defaultText)" })
    }

    @Test("it says the table's sentence and unit over every key")
    func sentences() throws {
        let text = try shipped()
        let body = ShippedFileTests.expectedBody()
        #expect(text.hasSuffix(body), "packaging/ksmd.conf must end with:\n\(body)")
    }

    @Test("no line is wider than a terminal")
    func width() throws {
        #expect(try shipped().split(separator: "\n").allSatisfy { $0.count < 80 })
    }

    @Test("the table has each setting once, with a sentence and a unit, and its defaults are read back as they are")
    func table() {
        #expect(Set(ConfigurationKey.all.map(\.name)).count == ConfigurationKey.all.count)
        for key in ConfigurationKey.all {
            #expect(ConfigurationKey.sections.contains(key.section))
            #expect(key.sentence.hasSuffix(".") && !key.unit.isEmpty)
            let configuration = native("[\(key.section)]\n\(key.name)=\(key.defaultText)")
            #expect(configuration.settings == Settings())
            #expect(configuration.lines == [])
        }
    }

    private func isKey(_ line: some StringProtocol) -> Bool {
        line.first == "#" && line.dropFirst().first?.isUppercase == true && line.contains("=")
    }

    /// What follows the introduction of the file.
    private static func expectedBody() -> String {
        ConfigurationKey.sections.map { section in
            let keys = ConfigurationKey.all.filter { $0.section == section }
            let text = keys.map { key in
                wrapped(key.sentence) + wrapped("Value: \(key.unit).") + "#\(key.name)=\(key.defaultText)\n"
            }
            return "[\(section)]\n" + (keys.isEmpty ? "# No keys yet.\n" : text.joined(separator: "\n"))
        }.joined(separator: "\n")
    }

    private static func wrapped(_ sentence: String) -> String {
        var lines = ["#"]
        for word in sentence.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 >= 80 { lines.append("#") }
            lines[lines.count - 1] += " " + word
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
