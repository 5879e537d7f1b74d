import KSMConfiguration
import KSMModel
import KSMTuner
import Testing

@Suite("ksmd.conf(5)")
struct ConfigurationPageTests {
    let page: ManualPage

    init() throws {
        page = try ManualPage("packaging/man/ksmd.conf.5")
    }

    @Test("has a paragraph for every key, in its section and in the order of the table, and for no other")
    func keys() {
        let sections = ConfigurationKey.sections.map(ConfigurationPageTests.title)
        let found = page.paragraphs.compactMap { paragraph -> String? in
            guard sections.contains(paragraph.section), let tag = paragraph.text.split(separator: " ").first,
                tag.hasSuffix("=")
            else { return nil }
            return "\(paragraph.section) \(tag)"
        }
        #expect(found == ConfigurationKey.all.map { "\(ConfigurationPageTests.title($0.section)) \($0.name)=" })
    }

    @Test("says of every key what it is counted in, and its default", arguments: ConfigurationKey.all)
    func values(_ key: ConfigurationKey) {
        let text = page.paragraphs.first { $0.text.hasPrefix(key.name + "= ") }?.text ?? ""
        #expect(text.contains("Value: \(key.unit)."))
        #expect(text.hasSuffix("Default: \(key.defaultText.isEmpty ? "empty" : key.defaultText)."))
    }

    @Test("has every section, also one that has no keys yet", arguments: ConfigurationKey.sections)
    func sections(_ section: String) {
        let text = page.text(section: ConfigurationPageTests.title(section))
        #expect(text.contains("No keys yet.") == !ConfigurationKey.all.contains { $0.section == section })
        #expect(!text.isEmpty)
    }

    @Test("has every variable of the old files with the key that means the same")
    func oldKeys() {
        let rows = Dictionary(page.rows.map { ($0[0], $0[1]) }) { first, _ in first }
        for key in ConfigurationKey.all {
            if let oldName = key.oldName { #expect(rows[oldName] == "\(key.name)=") }
        }
        let known = ConfigurationKey.all.compactMap(\.oldName) + ["PIDFILE", "old key"]
        #expect(Set(rows.keys) == Set(known))
    }

    @Test("has every place where files are looked for, the first one first")
    func places() {
        let synopsis = page.text(section: "SYNOPSIS")
        var last = synopsis.startIndex
        for path in ConfigurationFiles.directories.map({ "\($0)/ksmd.conf" }) + ConfigurationFiles.oldFiles.map(\.path)
        {
            let place = synopsis[last...].firstRange(of: path)
            #expect(place != nil, "\(path) is missing, or not in its place")
            last = place?.upperBound ?? last
        }
    }

    @Test("names the units of time spans, months and years too, and each is one")
    func units() throws {
        let text = page.paragraphs.first { $0.text.hasPrefix("Interval= ") }?.text ?? ""
        let units = try #require(text.firstMatch(of: #/Units are (.+?)\./#)?.1)
        let names = units.split { $0 == "," || $0 == " " }.filter { $0 != "and" }
        #expect(names == ["us", "ms", "s", "min", "h", "d", "w", "month", "y"])
        for name in names { #expect(throws: Never.self) { try TimeSpan.microseconds("1\(name)") } }
    }

    @Test("its examples have no mistake, and the two are the same")
    func examples() throws {
        let lines = try Repository.lines("packaging/man/ksmd.conf.5").drop { $0 != ".SH EXAMPLES" }
        let blocks = lines.split { $0 == ".EX" }.dropFirst().map { block in
            block.prefix { $0 != ".EE" }.joined(separator: "\n")
        }
        try #require(blocks.count == 2)
        let native = Configuration.load(sources: [Source(path: "a", kind: .main, bytes: Array(blocks[0].utf8))])
        let old = Configuration.load(sources: [Source(path: "b", kind: .ksmtuned, bytes: Array(blocks[1].utf8))])
        #expect(native.warnings.isEmpty && old.warnings.isEmpty)
        #expect(native.settings == old.settings)
        #expect(native.settings.classic.maximumPages == 4000)
    }

    private static func title(_ section: String) -> String { "[\(section.uppercased())] SECTION" }
}
