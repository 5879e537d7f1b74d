import KSMText
import Testing

@Suite("What the kernel sends when something happens")
struct EventTextTests {
    /// A message of 6.18 about a machine of KVM, with some variables changed, or left out with `nil`.
    private func message(_ changes: [String: String?] = [:]) -> [UInt8] {
        let variables = [
            ("ACTION", "change"), ("DEVPATH", "/devices/virtual/misc/kvm"), ("SUBSYSTEM", "misc"), ("CREATED", "7"),
            ("COUNT", "3"), ("EVENT", "create"), ("PID", "21576"), ("STATS_PATH", "/kvm/21576-5"), ("DEVNAME", "kvm"),
        ]
        var text = "change@/devices/virtual/misc/kvm\0"
        for (key, value) in variables {
            if let value = changes[key] ?? value { text += "\(key)=\(value)\0" }
        }
        return Array(text.utf8)
    }

    @Test("A machine of KVM comes and goes")
    func kvm() {
        let created = KVMEvent(kind: .created, thread: 21576, created: 7, count: 3)
        #expect(UeventText.parse(message().span) == created)
        var destroyed = created
        destroyed.kind = .destroyed
        #expect(UeventText.parse(message(["EVENT": "destroy"]).span) == destroyed)
    }

    @Test(
        "What is not KVM's message about a machine is nothing",
        arguments: [
            ["ACTION": "add"], ["SUBSYSTEM": "net"], ["DEVNAME": "kvm2"], ["DEVNAME": nil], ["EVENT": nil],
            ["EVENT": "creates"], ["EVENT": ""], ["ACTION": nil], ["SUBSYSTEM": nil],
        ] as [[String: String?]]
    )
    func others(_ changes: [String: String?]) {
        #expect(UeventText.parse(message(changes).span) == nil)
    }

    @Test("Numbers that are broken or missing are not known")
    func numbers() {
        let changes: [String: String?] = ["PID": "99999999999", "CREATED": "-1", "COUNT": nil]
        #expect(UeventText.parse(message(changes).span) == KVMEvent(kind: .created))
    }

    @Test("The first string is a headline and no variable, and the last needs no NUL")
    func headline() {
        #expect(UeventText.parse(Array("EVENT=create\0".utf8 + message(["EVENT": nil])).span) == nil)
        #expect(UeventText.parse(Array(message().dropLast()).span)?.kind == .created)
        let nothing: [UInt8] = []
        #expect(UeventText.parse(nothing.span) == nil)
    }

    /// An event as the kernel writes it.
    private func event(_ watch: Int32, _ mask: UInt32, _ name: String = "", padding: Int = 3) -> [UInt8] {
        let name = name.isEmpty ? [] : Array(name.utf8) + [UInt8](repeating: 0, count: padding)
        let numbers = [UInt32(bitPattern: watch), mask, 0, UInt32(name.count)]
        return numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } } + name
    }

    private func all(_ bytes: [UInt8]) -> [InotifyEvent] {
        var position = 0
        var events: [InotifyEvent] = []
        while let event = InotifyText.next(bytes.span, from: &position) { events.append(event) }
        return events
    }

    @Test("Events stand one behind the other, with names or without")
    func inotify() {
        let bytes =
            event(1, 0x4000_0100, "machine.slice") + event(-1, 0x4000) + event(2, 0x8000)
            + event(1, 0x4000_0200, "x", padding: 0)
        #expect(
            all(bytes) == [
                InotifyEvent(watch: 1, mask: [.created, .directory], name: "machine.slice"),
                InotifyEvent(watch: -1, mask: .overflow), InotifyEvent(watch: 2, mask: .ignored),
                InotifyEvent(watch: 1, mask: [.deleted, .directory], name: "x"),
            ]
        )
    }

    @Test("An event that is cut off is none, and those before it stay")
    func cut() {
        let bytes = event(1, 0x100, "a") + event(1, 0x200, "b")
        for length in 0..<bytes.count { #expect(all(Array(bytes[..<length])).count == (length < 20 ? 0 : 1)) }
        var wrong = event(1, 0x100, "a")
        wrong.replaceSubrange(12..<16, with: [255, 255, 255, 255])
        #expect(all(wrong).isEmpty)
    }
}
