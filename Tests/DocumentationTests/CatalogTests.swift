import Foundation
import KSMSystemd
import Testing

/// `packaging/catalog/ksmd.catalog`, as systemd reads it.
struct Catalog {
    struct Block {
        var id: String
        /// The lines `Name: value` at its head.
        var head: [(name: String, value: String)]
        /// The text below them.
        var lines: [String]

        /// The fields between `@`.
        var fields: [String] {
            lines.joined(separator: "\n").matches(of: /@([A-Z_]+)@/).map { String($0.1) }
        }
    }

    private(set) var blocks: [Block] = []

    init() throws {
        var isHead = false
        for line in try Repository.lines("packaging/catalog/ksmd.catalog") {
            if line.hasPrefix("-- ") {
                blocks.append(Block(id: String(line.dropFirst(3)), head: [], lines: []))
                isHead = true
            } else if line.hasPrefix("#") || blocks.isEmpty {
                continue
            } else if isHead, let colon = line.firstRange(of: ": ") {
                let name = String(line[..<colon.lowerBound])
                blocks[blocks.count - 1].head.append((name, String(line[colon.upperBound...])))
            } else {
                isHead = false
                blocks[blocks.count - 1].lines.append(line)
            }
        }
    }
}

/// The section KINDS of ksmd.journal-fields(7).
struct JournalKinds {
    struct Kind {
        var id: String
        /// The fields that every entry of the kind has.
        var always: [String]
    }

    let page: ManualPage
    private(set) var kinds: [String: Kind] = [:]

    init() throws {
        page = try ManualPage("packaging/man/ksmd.journal-fields.7")
        for paragraph in page.paragraphs where paragraph.section == "KINDS" {
            let words = paragraph.text.split(separator: " ").map(String.init)
            guard words.count > 2, words[1].wholeMatch(of: /[0-9a-f]{32}/) != nil else { continue }
            let always = words.firstIndex(of: "Always:").map { words[($0 + 1)...].prefix { $0.hasPrefix("KSM_") } }
            kinds[words[0]] = Kind(id: words[1], always: (always ?? []).map { $0.trimmingCharacters(in: [",", "."]) })
        }
    }

    /// `scanningStarted` as `scanning-started`.
    static func word(_ id: MessageID) -> String {
        "\(id)".replacing(/[A-Z](?=[a-z])/) { "-" + $0.output.lowercased() }.lowercased()
    }
}

@Suite("The message catalogue")
struct CatalogTests {
    let catalog: Catalog

    init() throws {
        catalog = try Catalog()
    }

    @Test("has one block for each kind of entry, in the order of the code, and no other")
    func blocks() {
        #expect(catalog.blocks.map(\.id) == MessageID.allCases.map(\.rawValue))
    }

    @Test("says in each block what it is about, whose it is, and where there is more")
    func heads() {
        let references = [
            ("Defined-By", "ksmd"), ("Documentation", "man:ksmd(8)"), ("Documentation", "man:ksmd.journal-fields(7)"),
        ]
        for block in catalog.blocks {
            #expect(block.head.first?.name == "Subject", "\(block.id)")
            #expect(block.head.dropFirst().elementsEqual(references, by: ==), "\(block.id)")
            #expect((block.head.first?.value.count ?? 0) > 10, "\(block.id)")
        }
    }

    @Test("says in each block what to do, as lines to type, or that nothing is to be done")
    func advice() {
        for block in catalog.blocks {
            let types = block.lines.contains { $0.hasPrefix("    ") }
            #expect(types || block.lines.contains("Nothing is to be done."), "\(block.id)")
        }
    }

    @Test("fits into a terminal beside what journalctl puts before each line")
    func width() {
        for block in catalog.blocks {
            for line in block.lines where !line.hasPrefix("    ") { #expect(line.count <= 76, "\(line)") }
        }
    }

    @Test("fills in only fields that every entry of the kind has", arguments: MessageID.allCases)
    func fields(_ id: MessageID) throws {
        let block = try #require(catalog.blocks.first { $0.id == id.rawValue })
        let kind = try #require(try JournalKinds().kinds[JournalKinds.word(id)])
        for field in block.fields { #expect(kind.always.contains(field), "\(field)") }
    }

    @Test("names only commands that ksmctl knows")
    func commands() throws {
        let help = try Tool.built("ksmctl", "--help")
        let typed = catalog.blocks.flatMap(\.lines).filter { $0.hasPrefix("    ksmctl ") }
        #expect(typed.count > 20)
        for line in typed {
            let verb = line.split(separator: " ")[1]
            #expect(help.contains("\n  \(verb) "), "\(line)")
        }
    }

    @Test("is taken in by journalctl", .enabled("journalctl is not installed") { Tool.isInstalled("journalctl") })
    func database() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("ksmd-catalog-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let place = root.appendingPathComponent("usr/lib/systemd/catalog")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let file = place.appendingPathComponent("ksmd.catalog")
        try Repository.text("packaging/catalog/ksmd.catalog").write(to: file, atomically: true, encoding: .utf8)
        let update = try Tool.run(["journalctl", "--update-catalog", "--root=\(root.path)"])
        #expect(update.status == 0, "\(update.errors)")
        let size =
            try FileManager.default.attributesOfItem(
                atPath: root.appendingPathComponent("var/lib/systemd/catalog/database").path
            )[.size] as? Int
        #expect((size ?? 0) > 10_000)
    }
}

@Suite("ksmd.journal-fields(7)")
struct JournalFieldsPageTests {
    let kinds: JournalKinds

    init() throws {
        kinds = try JournalKinds()
    }

    @Test("has every kind of entry by its word and its id, and no other")
    func all() {
        #expect(
            kinds.kinds.mapValues(\.id)
                == Dictionary(
                    uniqueKeysWithValues: MessageID.allCases.map {
                        (JournalKinds.word($0), $0.rawValue)
                    }
                )
        )
    }

    @Test("explains every field that a kind has")
    func explained() {
        let tags = Set(
            kinds.page.paragraphs.filter { $0.section.contains("FI") }.compactMap {
                $0.text.split(separator: " ").first.map(String.init)
            }
        )
        for (word, kind) in kinds.kinds {
            for field in kind.always { #expect(tags.contains(field), "\(field) of \(word)") }
        }
    }
}
