import KSMText
import Testing

@Suite("What the daemon asks of ksmd-helper@.service")
struct HelperRequestTests {
    private func parse(_ text: String) -> HelperRequest? { HelperRequest.parse(Array(text.utf8).span) }

    static let allowed: [HelperRequest] = [
        HelperRequest(["--survey"], input: Array("4711:12\n\n4712:13\n".utf8)),
        HelperRequest(["--set-scope=local"]),
        HelperRequest(["--set-scope=none", "--by=root (over the bus)", "--force"]),
    ]

    @Test("A survey and a change of scope come through as they were sent", arguments: allowed)
    func comesThrough(_ request: HelperRequest) {
        #expect(HelperRequest.parse(request.bytes.span) == request)
    }

    static let refused = [
        "", "\n", "--survey", "--survey\n", "--restore\n\n", "--survey\n--full\n\n", "--survey\n--root=/\n\n",
        "--set-scope=local\n--config=/etc/shadow\n\n", "--set-scope=local\n--root=/srv\n\n",
        "--set-scope=local\n--force\n--by=a\n--by=b\n\n", "--set-scope=local\n4711\n\n", "--dry-run\n\n",
        "--set-scope=local\n--by=a\0b\n\n",
    ]

    @Test("Nothing else does", arguments: refused)
    func isRefused(_ text: String) {
        #expect(parse(text) == nil)
    }

    @Test("Nor what is no text, or too long")
    func isNoText() {
        #expect(HelperRequest.parse([0x2d, 0x2d, 0xff, 0x0a, 0x0a].span) == nil)
        let long = HelperRequest(["--survey"], input: [UInt8](repeating: 0x31, count: HelperRequest.limit))
        #expect(HelperRequest.parse(long.bytes.span) == nil)
    }
}
