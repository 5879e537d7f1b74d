import Foundation
import KSMReport
import Testing

@Suite("JSON")
struct JSONWriterTests {
    @Test(
        "Every character that JSON or a terminal minds is escaped",
        arguments: [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a\"b\\c", #""a\"b\\c""#),
            ("line\nfeed\r\ttab", #""line\nfeed\r\ttab""#),
            ("\u{0}\u{1f}", #""\u0000\u001f""#),
            ("esc\u{1b}[31m", #""esc\u001b[31m""#),
            ("\u{7f}\u{9b}", #""\u007f\u009b""#),
            ("Grüße 🐧 \u{2028}", "\"Grüße 🐧 \u{2028}\""),
        ]
    )
    func escapes(text: String, expected: String) {
        var json = JSONWriter()
        json.element(text)
        #expect(json.text == expected)
    }

    @Test("Foundation reads back every scalar below U+0300")
    func roundTrip() throws {
        let text = String(String.UnicodeScalarView((0..<0x300).compactMap(Unicode.Scalar.init)))
        var json = JSONWriter()
        json.array { $0.element(text) }
        let parsed = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String]
        #expect(parsed == [text])
    }

    @Test("Members keep their order, and commas stand only between them")
    func compact() {
        var json = JSONWriter()
        json.object { json in
            json.member("z", 1)
            json.member("a", Int64.min)
            json.array("list") { json in
                json.object { _ in }
                json.element(nil)
                json.array { $0.element("x") }
            }
            json.object("empty") { _ in }
            json.member("no", String?.none)
            json.member("yes", true)
            json.member("big", UInt64.max)
        }
        let expected =
            #"{"z":1,"a":-9223372036854775808,"list":[{},null,["x"]],"empty":{},"no":null,"#
            + #""yes":true,"big":18446744073709551615}"#
        #expect(json.text == expected)
    }

    @Test("Pretty text has a line per member and two spaces per level")
    func pretty() {
        var json = JSONWriter(style: .pretty)
        json.object { json in
            json.member("a", 1)
            json.array("none") { _ in }
            json.member("two", ["x", "y"])
        }
        #expect(
            json.text == """
                {
                  "a": 1,
                  "none": [],
                  "two": [
                    "x",
                    "y"
                  ]
                }
                """
        )
    }

    @Test(
        "Nanoseconds are seconds with three decimals",
        arguments: [
            (UInt64(0), "0.000"), (999_999, "0.000"), (1_000_000, "0.001"), (12_034_567_890, "12.034"),
            (UInt64.max, "18446744073.709"),
        ]
    )
    func seconds(nanoseconds: UInt64, expected: String) {
        var json = JSONWriter()
        json.object { $0.member("s", seconds: nanoseconds) }
        #expect(json.text == "{\"s\":\(expected)}")
    }

    @Test("A writer that is reset starts anew and keeps its memory")
    func reset() {
        var json = JSONWriter()
        json.object { $0.member("a", String(repeating: "x", count: 1000)) }
        json.reset()
        json.object { $0.member("b", 1) }
        #expect(json.text == #"{"b":1}"#)
        #expect(json.bytes.capacity >= 1000)
    }
}
