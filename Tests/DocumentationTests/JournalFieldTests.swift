import KSMModel
import Testing

@Suite("ksmd.journal-fields(7)")
struct JournalFieldTests {
    let page: ManualPage

    init() throws {
        page = try ManualPage("packaging/man/ksmd.journal-fields.7")
    }

    /// The names that have a paragraph of their own.
    private var documented: Set<String> {
        var names: Set<String> = []
        for paragraph in page.paragraphs
        where paragraph.section.contains("FIELDS") || paragraph.section.contains("FIGURES") {
            guard let tag = paragraph.text.split(separator: " ").first, tag.hasPrefix("KSM_") else { continue }
            names.insert(String(tag.dropFirst(4)))
        }
        return names
    }

    @Test("explains each field of the code, and no other")
    func fields() {
        // Those whose names have an attribute or a node in them are told by their beginning.
        let families: Set<String> = ["SET_", "WAS_", "SET_ATTRIBUTE", "WAS_ATTRIBUTE", "NODE"]
        let nodes = Set(Reason.Field.NodeFigure.allCases.map { "NODEn_\($0.rawValue)" })
        let rest = documented.subtracting(families).subtracting(nodes)
        let names = Set(JournalField.allCases.map(\.rawValue))
        #expect(rest.subtracting(names).isEmpty)
        #expect(names.subtracting(documented).isEmpty)
        #expect(nodes.isSubset(of: documented))
    }
}
