import Foundation
import KSMTestSupport
import Testing

@testable import KSMSystemd

/// A property's signature, its value, and how busctl prints it.
struct PropertyRow: CustomTestStringConvertible, Sendable {
    let signature: String
    let printed: String
    let getter: @Sendable (inout BusMessage) -> Void

    var testDescription: String { printed }

    init(_ signature: String, _ printed: String, getter: @escaping @Sendable (inout BusMessage) -> Void) {
        self.signature = signature
        self.printed = printed
        self.getter = getter
    }

    static let all: [PropertyRow] = [
        PropertyRow("s", "s \"a b\"") { $0.append("a b") },
        PropertyRow("t", "t 18446744073709551615") { $0.append(UInt64.max) },
        PropertyRow("x", "x -9223372036854775808") { $0.append(Int64.min) },
        PropertyRow("u", "u 4294967295") { $0.append(UInt32.max) },
        PropertyRow("b", "b true") { $0.append(true) },
        PropertyRow("b", "b false") { $0.append(false) },
        PropertyRow("d", "d 0.5") { $0.append(0.5) },
        PropertyRow("as", "as 2 \"a\" \"\"") { $0.append(["a", ""]) },
        PropertyRow("as", "as 0") { $0.append([String]()) },
        PropertyRow("a(uttt)", "a(uttt) 2 0 1 2 3 1 4 5 6") { message in
            message.array(of: "(uttt)") { message in
                for node in 0...1 {
                    message.structure("uttt") { message in
                        message.append(UInt32(node))
                        for figure in 1...3 { message.append(UInt64(node * 3 + figure)) }
                    }
                }
            }
        },
        PropertyRow("a{sv}", "a{sv} 2 \"name\" s \"web\" \"pages\" t 5") { message in
            message.array(of: "{sv}") { message in
                message.entry("name", "s") { $0.append("web") }
                message.entry("pages", "t") { $0.append(UInt64(5)) }
            }
        },
    ]
}

@Suite("An object on the bus", .enabled(if: BusDaemon.canRun, "needs dbus-daemon"))
struct BusObjectTests {
    /// One of each kind.
    private static func example() -> BusObject {
        let join = BusMethod("Join", takes: "text s, pages t, force b, node u", returns: "all s, length t") {
            (call: BusCall) throws(BusFailure) in
            let text = try call.message.readString()
            let pages = try call.message.readUInt64()
            let force = try call.message.readBool()
            let node = try call.message.readUInt32()
            let all = "\(text) \(pages) \(force) \(node)"
            call.reply { message in
                message.append(all)
                message.append(UInt64(all.utf8.count))
            }
        }
        return BusFixture.object(
            [join],
            properties: [
                BusProperty("State", "s", .emitted) { $0.append("scanning") },
                BusProperty("Version", "s", .constant) { $0.append("0.1.0") },
                BusProperty("Nodes", "a(ut)", .invalidated) { $0.array(of: "(ut)") { _ in } },
            ],
            signals: [BusSignal("Changed", "what s, count t")]
        )
    }

    @Test("A method gets its arguments and answers with its results")
    func call() throws {
        let fixture = try BusFixture(Self.example())
        let answer = try fixture.busctl(
            "call",
            BusFixture.name,
            BusFixture.path,
            BusFixture.interface,
            "Join",
            "stbu",
            "a \"web\" 1",
            "18446744073709551615",
            "yes",
            "7"
        )
        #expect(answer.err == "")
        #expect(answer.out == "st \"a \\\"web\\\" 1 18446744073709551615 true 7\" 37\n")
    }

    @Test("A property is read with its type", arguments: PropertyRow.all)
    func property(_ row: PropertyRow) throws {
        let fixture = try BusFixture(
            BusFixture.object(properties: [BusProperty("P", row.signature, .silent, getter: row.getter)])
        )
        let answer = try fixture.busctl("get-property", BusFixture.name, BusFixture.path, BusFixture.interface, "P")
        #expect(answer.err == "")
        #expect(answer.out == row.printed + "\n")
    }

    @Test("Introspection shows the names of arguments and results, and how properties change")
    func introspection() throws {
        let fixture = try BusFixture(Self.example())
        let xml = try fixture.busctl("introspect", "--xml-interface", BusFixture.name, BusFixture.path).out
        for line in [
            #"<arg type="s" name="text" direction="in"/>"#, #"<arg type="u" name="node" direction="in"/>"#,
            #"<arg type="t" name="length" direction="out"/>"#, #"<property name="State" type="s" access="read">"#,
            #"<arg type="t" name="count"/>"#,
        ] {
            #expect(xml.contains(line))
        }
        let table = try fixture.busctl("introspect", BusFixture.name, BusFixture.path, BusFixture.interface).out
        let rows = Set(table.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") })
        let expected: Set<String> = [
            ".Join method stbu st -", ".State property s \"scanning\" emits-change",
            ".Version property s \"0.1.0\" const", ".Nodes property a(ut) 0 emits-invalidation",
            ".Changed signal st - -",
        ]
        #expect(expected.subtracting(rows) == [])
    }

    @Test("A property that cannot be written as its type is an error to the reader, and the service goes on")
    func wrongProperty() throws {
        let fixture = try BusFixture(
            BusFixture.object(properties: [
                BusProperty("Wrong", "t", .silent) { $0.append("text") },
                BusProperty("Right", "t", .silent) { $0.append(UInt64(1)) },
            ])
        )
        let (name, path, interface) = (BusFixture.name, BusFixture.path, BusFixture.interface)
        #expect(try fixture.busctl("get-property", name, path, interface, "Wrong").status != 0)
        #expect(try fixture.busctl("get-property", name, path, interface, "Right").out == "t 1\n")
        #expect(try fixture.busctl("get-property", name, path, interface, "Other").status != 0)
        #expect(try fixture.busctl("set-property", name, path, interface, "Right", "t", "2").status != 0)
    }

    @Test("Programs are told of changed properties in one signal, and of signals with their values")
    func changes() throws {
        let object = Self.example()
        let fixture = try BusFixture(object)
        var heard: [String] = []
        let client = try fixture.connect()
        let properties = "org.freedesktop.DBus.Properties"
        let matches = [properties, BusFixture.interface].map { interface in
            BusMatch(sender: BusFixture.name, path: BusFixture.path, interface: interface) { member, values in
                heard.append("\(member) \((try? values.readString()) ?? "")")
            }
        }
        for match in matches { try client.add(match) }
        try fixture.drive { matches.allSatisfy(\.isActive) }
        try fixture.service.emitPropertiesChanged(object, ["State", "Nodes"])
        try fixture.service.emit(object, signal: "Changed") { message in
            message.append("guests")
            message.append(UInt64(3))
        }
        try fixture.drive { heard.count >= 2 }
        #expect(heard == ["PropertiesChanged \(BusFixture.interface)", "Changed guests"])
    }

    @Test("What is not a property that changes cannot be announced", arguments: [("Version", EDOM), ("Other", ENOENT)])
    func wrongAnnouncement(_ name: String, _ code: Int32) throws {
        let object = Self.example()
        let fixture = try BusFixture(object)
        let error = #expect(throws: SystemdError.self) {
            try fixture.service.emitPropertiesChanged(object, ["State", name])
        }
        #expect(error?.code == code)
    }

    @Test("An object that the bus does not allow is refused", arguments: ["name", "signature", "path", "argument"])
    func invalid(_ what: String) throws {
        let method = BusMethod(what == "name" ? "a b" : "M", takes: what == "argument" ? "name %" : "name s") {
            $0.reply()
        }
        let property = BusProperty("P", what == "signature" ? "ss" : "s", .silent) { $0.append("") }
        let object = BusObject(
            path: what == "path" ? "relative" : BusFixture.path,
            interface: BusFixture.interface,
            methods: [method],
            properties: [property]
        )
        let fixture = try BusFixture()
        let error = #expect(throws: SystemdError.self) { try fixture.service.add(object) }
        #expect(error?.code == EINVAL)
    }
}
