import Foundation
import Testing

@Suite("Footprint: the release binary", .enabled(if: Rig.hasBinary, Rig.noBinary))
struct BinaryTests {
    @Test("Stripped, it has at most 7.5 MB")
    func size() throws {
        let stripped = FileManager.default.temporaryDirectory.appending(path: "ksmd-stripped-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: stripped) }
        try Rig.run("/usr/bin/env", ["strip", "-o", stripped.path, Rig.ksmd])
        let size = try #require(try FileManager.default.attributesOfItem(atPath: stripped.path)[.size] as? Int)
        #expect(size <= 7_500_000)
    }

    @Test("It brings the Swift standard library along, and none of Dispatch, Swift concurrency and Foundation")
    func contents() throws {
        let needed = try Rig.run("/usr/bin/env", ["readelf", "-d", Rig.ksmd]).split(separator: "\n")
            .filter { $0.contains("(NEEDED)") }
        #expect(!needed.contains { $0.contains("libswift") || $0.contains("Foundation") || $0.contains("dispatch") })
        let symbols = Set(
            try Rig.run("/usr/bin/env", ["nm", Rig.ksmd]).split(separator: "\n").compactMap {
                $0.split(separator: " ").last
            }
        )
        // Otherwise the symbols have been stripped and their absence says nothing.
        try #require(symbols.contains("swift_retain"))
        let unwanted = symbols.filter {
            $0.hasPrefix("swift_task_create") || $0.hasPrefix("dispatch_") || $0.hasPrefix("_dispatch_")
                || $0.hasPrefix("$s10Foundation") || $0.hasPrefix("$s20FoundationEssentials")
        }
        #expect(unwanted.isEmpty)
    }
}
