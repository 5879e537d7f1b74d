import CSystemd
import Foundation
import KSMTestSupport
import Testing

@testable import KSMSystemd

@Suite("Calls over the bus", .enabled(if: BusDaemon.canRun, "needs dbus-daemon"))
struct BusCallTests {
    private static let errors = "org.freedesktop.DBus.Error."

    @Test("What a method throws, the caller gets by name and sentence")
    func failure() throws {
        let held = BusFailure(name: "org.ksmd1.Error.Held", message: "merging is held: “maintenance”")
        let fixture = try BusFixture(
            BusFixture.object([BusMethod("Start") { (_) throws(BusFailure) in throw held }])
        )
        #expect(try fixture.call("Start").failure == held)
    }

    @Test("A call can be kept and answered later, and other calls are answered meanwhile")
    func deferred() throws {
        var kept: [BusCall] = []
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Later", returns: "text s") { kept.append($0) },
                BusMethod("Now", returns: "text s") { $0.reply { $0.append("now") } },
            ])
        )
        let client = try fixture.connect()
        let later = try [Answer(client, "Later"), Answer(client, "Later")]
        try fixture.drive { kept.count == 2 }
        #expect(try fixture.call("Now").text == "now")
        #expect(!later[0].isThere && !kept[0].isAnswered)
        kept[0].reply { $0.append("done") }
        kept[1].fail(.failed("no"))
        // Only the first answer counts.
        kept[0].fail(.failed("twice"))
        kept[1].reply { $0.append("twice") }
        try fixture.drive { later.allSatisfy(\.isThere) }
        #expect(later[0].text == "done")
        #expect(later[1].failure == .failed("no"))
    }

    @Test("A call that is let go of unanswered is answered with an error")
    func dropped() throws {
        let fixture = try BusFixture(BusFixture.object([BusMethod("Forget") { _ in }]))
        #expect(try fixture.call("Forget").errorName == Self.errors + "Failed")
    }

    @Test("An answer of the wrong type is an error to the caller")
    func wrongAnswer() throws {
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Number", returns: "n t") { $0.reply { $0.append("text") } },
                BusMethod("Nothing") { $0.reply { $0.append("text") } },
            ])
        )
        #expect(try fixture.call("Number").errorName == Self.errors + "Failed")
        #expect(try fixture.call("Nothing").errorName == Self.errors + "Failed")
    }

    @Test("Arguments that do not fit are InvalidArgs, and the method is not called")
    func illTyped() throws {
        var calls = 0
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Take", takes: "text s, n t") { call in
                    calls += 1
                    call.reply()
                }
            ])
        )
        let wrong: [(inout BusMessage) -> Void] = [
            { _ in }, { $0.append("a") }, { $0.append(UInt64(1)) }, { $0.append(["a"]) },
            { message in
                message.append("a")
                message.append(UInt64(1))
                message.append(true)
            },
        ]
        for arguments in wrong {
            #expect(try fixture.call("Take", arguments).errorName == Self.errors + "InvalidArgs")
        }
        #expect(calls == 0)
    }

    @Test("A method that reads what its signature does not have makes InvalidArgs of it")
    func overread() throws {
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Take", takes: "text s") { (call: BusCall) throws(BusFailure) in
                    _ = try call.message.readString()
                    _ = try call.message.readUInt64()
                    call.reply()
                }
            ])
        )
        #expect(try fixture.call("Take") { $0.append("a") }.errorName == Self.errors + "InvalidArgs")
    }

    @Test(
        "What is not there is an error of the bus",
        arguments: [
            ["Other", BusFixture.path, BusFixture.interface, "UnknownMethod"],
            ["Known", BusFixture.path, "org.other", "UnknownMethod"],
            ["Known", "/other", BusFixture.interface, "UnknownObject"],
        ]
    )
    func unknown(_ row: [String]) throws {
        let fixture = try BusFixture(BusFixture.object([BusMethod("Known") { $0.reply() }]))
        let answer = try Answer(fixture.connect(), row[0], path: row[1], interface: row[2])
        try fixture.drive { answer.isThere }
        #expect(answer.errorName == Self.errors + row[3])
    }

    @Test("1,000 calls at once are all answered, in their order, and a timer is not kept waiting by them")
    func burst() throws {
        let loop = try EventLoop()
        var order: [UInt64] = []
        var (sinceTick, longest) = (0, 0)
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Retune", takes: "number t") { (call: BusCall) throws(BusFailure) in
                    order.append(try call.message.readUInt64())
                    sinceTick += 1
                    longest = max(longest, sinceTick)
                    // As long as a call lasts the next ones arrive, so that there is always one that waits.
                    let end = loop.now() + 200
                    while loop.now() < end {}
                    call.reply()
                }
            ])
        )
        let client = try fixture.connect()
        // The caller becomes known: calls that wait for that are run in one go.
        let first = try Answer(client, "Retune") { $0.append(UInt64(0)) }
        try fixture.drive { first.isThere }
        let answers = try (1..<1000).map { number in
            try Answer(client, "Retune") { $0.append(UInt64(number)) }
        }
        try fixture.loop.addTimer(afterMilliseconds: 0, accuracyMilliseconds: 0) { timer in
            sinceTick = 0
            if order.count < 1000 { timer.rearm(at: 0) }
        }
        try fixture.drive { answers.allSatisfy(\.isThere) }
        #expect(answers.compactMap(\.failure) == [])
        #expect(order == (0..<1000).map { UInt64($0) })
        #expect(longest < 50)
    }

    @Test("More calls than can wait for their callers' identity are refused, and every one is answered")
    func flood() throws {
        let fixture = try BusFixture(BusFixture.object([BusMethod("Retune") { $0.reply() }]))
        let client = try fixture.connect()
        let answers = try (0..<5000).map { _ in try Answer(client, "Retune") }
        try fixture.drive { answers.allSatisfy(\.isThere) }
        let errors = Set(answers.compactMap(\.errorName))
        #expect(errors.isSubset(of: [Self.errors + "LimitsExceeded"]))
        #expect(try fixture.call("Retune").failure == nil)
    }

    @Test("Who calls is known: the sender and its user")
    func caller() throws {
        var seen: [(sender: String, user: UInt32?, isPrivileged: Bool)] = []
        let method = { (name: String, isForAnyone: Bool) in
            BusMethod(name, isForAnyone: isForAnyone) { call in
                seen.append((call.sender, call.senderUser, call.senderIsPrivileged))
                call.reply()
            }
        }
        let fixture = try BusFixture(BusFixture.object([method("Control", false), method("Look", true)]))
        #expect(try fixture.call("Control").failure == nil)
        #expect(try fixture.call("Look").failure == nil)
        try #require(seen.count == 2)
        #expect(seen[0].sender.hasPrefix(":1.") && seen[0].user == geteuid() && seen[0].isPrivileged)
        #expect(seen[1].sender.hasPrefix(":1.") && seen[1].user == nil && !seen[1].isPrivileged)
    }

    @Test("Another user may look and may not control", .enabled(if: getuid() == 0, "needs root, to be another user"))
    func otherUser() throws {
        var controlled = 0
        let fixture = try BusFixture(
            BusFixture.object([
                BusMethod("Control") { call in
                    controlled += 1
                    call.reply()
                },
                BusMethod("Look", returns: "text s", isForAnyone: true) { $0.reply { $0.append("here") } },
            ])
        )
        let (name, path, interface, nobody) = (BusFixture.name, BusFixture.path, BusFixture.interface, UInt32(65534))
        let refused = try fixture.busctl("call", name, path, interface, "Control", as: nobody)
        #expect(refused.status != 0 && controlled == 0)
        #expect(refused.err == "Call failed: Access denied\n")
        #expect(try fixture.busctl("call", name, path, interface, "Look", as: nobody).out == "s \"here\"\n")
        #expect(try fixture.busctl("call", name, path, interface, "Control").status == 0)
        #expect(controlled == 1)
    }
}
