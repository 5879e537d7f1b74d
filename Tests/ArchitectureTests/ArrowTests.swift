import Testing

/// A room of the house and what it may know.
///
/// The drawing is in docs/architecture.md.
struct Room: CustomTestStringConvertible, Sendable {
    var name: String
    /// Other rooms.
    var rooms: Set<String>
    /// The outside world.
    var libraries: Set<String>
    var isPure: Bool

    var testDescription: String { name }

    init(_ name: String, knows rooms: Set<String> = [], libraries: Set<String> = [], isPure: Bool = false) {
        self.name = name
        self.rooms = rooms
        self.libraries = libraries
        self.isPure = isPure
    }

    /// The C shims have no Swift in them.
    static let shims: Set<String> = ["CLinux", "CNuma", "CSystemd"]

    static let all: [Room] = [
        Room("KSMModel", isPure: true),
        Room("KSMText", knows: ["KSMModel"], isPure: true),
        Room("KSMPolicy", knows: ["KSMModel"], isPure: true),
        Room("KSMConfiguration", knows: ["KSMModel"], isPure: true),
        Room("KSMReport", knows: ["KSMModel"], isPure: true),
        Room("KSMLog", knows: ["KSMModel", "KSMText", "KSMConfiguration", "KSMReport"], isPure: true),
        Room("KSMKernel", knows: ["KSMModel", "KSMText", "CNuma", "CLinux"], libraries: ["Glibc"]),
        Room("KSMSystemd", knows: ["CSystemd"], libraries: ["Glibc"]),
        Room("KSMClient", knows: ["KSMModel", "KSMSystemd", "KSMLog", "CSystemd"], libraries: ["Glibc"]),
        Room(
            "KSMTuner",
            knows: [
                "KSMModel", "KSMText", "KSMPolicy", "KSMConfiguration", "KSMReport", "KSMKernel", "KSMSystemd",
                "CLinux",
            ],
            libraries: ["Glibc"]
        ),
        Room("ksmd", knows: ["KSMModel", "KSMTuner", "KSMKernel", "KSMSystemd", "CLinux"], libraries: ["Glibc"]),
        Room(
            "ksmctl",
            knows: [
                "KSMModel", "KSMText", "KSMPolicy", "KSMConfiguration", "KSMReport", "KSMLog", "KSMKernel",
                "KSMSystemd",
                "KSMClient", "KSMTuner", "CLinux",
            ],
            libraries: ["Glibc", "FoundationEssentials", "ArgumentParser"]
        ),
        Room("ksmd-demo", knows: ["KSMModel", "KSMReport", "KSMKernel", "KSMTuner", "CLinux"], libraries: ["Glibc"]),
    ]

    var files: [SourceTree.File] { SourceTree.files.filter { $0.room == name } }

    /// Whether the room is part of the daemon.
    var isInDaemon: Bool { !["KSMClient", "ksmctl", "ksmd-demo"].contains(name) }
}

@Suite("The house: who knows whom")
struct ArrowTests {
    @Test("Every directory of Sources is a room of the house")
    func everyRoom() {
        #expect(Set(SourceTree.rooms) == Set(Room.all.map(\.name)).union(Room.shims))
    }

    @Test("A room imports only what it may know", arguments: Room.all)
    func imports(_ room: Room) {
        #expect(!room.files.isEmpty)
        for file in room.files {
            let surplus = file.imports.subtracting(room.rooms).subtracting(room.libraries)
            #expect(surplus.isEmpty, "\(file.path) imports \(surplus.sorted())")
        }
    }

    @Test("Package.swift draws the same arrows", arguments: Room.all)
    func package(_ room: Room) throws {
        let target = try #require(PackageTarget.all.first { $0.name == room.name })
        #expect(target.dependencies == room.rooms.union(room.libraries.intersection(["ArgumentParser"])))
        #expect(target.settings == (room.isPure ? "pure" : "common"))
    }

    @Test("A pure room has no outside world", arguments: Room.all.filter(\.isPure))
    func pure(_ room: Room) {
        #expect(room.libraries.isEmpty && room.rooms.isSubset(of: Room.all.filter(\.isPure).map(\.name)))
    }
}
