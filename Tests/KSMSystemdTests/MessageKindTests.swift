import KSMSystemd
import Testing

@Suite("Kinds of journal entries")
struct MessageKindTests {
    @Test("have names of their own in small letters, and are found by them", arguments: MessageID.allCases)
    func name(_ id: MessageID) {
        #expect(MessageID(kind: id.kind) == id)
        #expect(id.kind.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "-") })
    }

    /// Scripts select by them.
    @Test(
        "keep their names",
        arguments: [
            (MessageID.decision, "decision"), (.scanningStarted, "scanning-started"), (.nodeShort, "node-short"),
            (.numaWarning, "numa-warning"), (.configurationWarning, "configuration-warning"),
        ]
    )
    func stable(_ id: MessageID, _ name: String) {
        #expect(id.kind == name)
    }

    @Test("are none by other names", arguments: ["", "Decision", "decisions", "scanningStarted"])
    func unknown(_ name: String) {
        #expect(MessageID(kind: name) == nil)
    }
}
