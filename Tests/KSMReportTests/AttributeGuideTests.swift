import Foundation
import KSMModel
import KSMReport
import Testing

@Suite("The guide to the attributes")
struct AttributeGuideTests {
    @Test("Every attribute is explained", arguments: Attribute.allCases)
    func complete(attribute: Attribute) {
        let guide = attribute.guide
        #expect(guide.meaning.hasSuffix("."))
        #expect(guide.meaning.count <= 86, "it stands on one line, or two")
        #expect(guide.detail.hasSuffix("."))
        #expect(guide.since.split(separator: ".").allSatisfy { Int($0) != nil })
        #expect((guide.range != nil) == attribute.isSetting)
        #expect((guide.defaultValue != nil) == attribute.isSetting)
        #expect(guide.oldGuide.map { $0.hasSuffix(".") } ?? true)
    }

    @Test("No two attributes have the same explanation")
    func distinct() {
        #expect(Set(Attribute.allCases.map(\.guide.meaning)).count == Attribute.allCases.count)
    }

    @Test(
        "The kernel that brought it",
        arguments: [
            (Attribute.run, "2.6.32"), (.merge_across_nodes, "3.9"), (.use_zero_pages, "4.11"),
            (.max_page_sharing, "4.13"), (.general_profit, "6.4"), (.ksm_zero_pages, "6.6"), (.smart_scan, "6.7"),
            (.pages_skipped, "6.7"), (.advisor_mode, "6.8"),
        ]
    )
    func since(attribute: Attribute, version: String) {
        #expect(attribute.guide.since == version)
    }

    @Test("What Red Hat's guide says about seven attributes is put right")
    func corrected() {
        for attribute: Attribute in [
            .run, .pages_to_scan, .sleep_millisecs, .pages_shared, .pages_sharing, .pages_unshared, .pages_volatile,
        ] {
            #expect(attribute.guide.oldGuide != nil, "\(attribute)")
        }
        #expect(Attribute.smart_scan.guide.oldGuide == nil)
    }

    @Test("The table has what the kernel has, and names the rest")
    func table() {
        let ksm = KSMAttributes([.run: .unsigned(1), .general_profit: .signed(-5), .advisor_mode: .word("none")])
        let text = AttributeReport.table(ksm)
        let lines = text.split(separator: "\n")
        #expect(lines.first?.hasPrefix("run  ") == true)
        #expect(lines.contains { $0.hasPrefix("general_profit") && $0.hasSuffix("-5  bytes") })
        #expect(lines.contains { $0.hasPrefix("advisor_mode") && $0.hasSuffix("none") })
        #expect(text.contains("Not on this kernel"))
        #expect(text.contains("smart_scan (6.7)"))
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test("An attribute that the kernel lacks is still explained")
    func absent() {
        let text = AttributeReport.text(.smart_scan, nil)
        #expect(text.contains("not on this kernel; came with 6.7"))
        #expect(text.contains("Meaning"))
        #expect(AttributeReport.text(.pages_shared, .unsigned(3)).contains("Old guides  "))
    }

    @Test("For machines: numbers are numbers, the absent is null")
    func json() throws {
        var json = JSONWriter()
        let ksm = KSMAttributes([.run: .unsigned(1), .general_profit: .signed(-5)])
        AttributeReport.write([.run, .general_profit, .smart_scan], ksm, to: &json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: [String: Any]])
        #expect(object["run"]?["value"] as? Int == 1)
        #expect(object["run"]?["writable"] as? Bool == true)
        #expect(object["general_profit"]?["value"] as? Int == -5)
        #expect(object["smart_scan"]?["value"] is NSNull)
        #expect(object["smart_scan"]?["since"] as? String == "6.7")
    }
}
