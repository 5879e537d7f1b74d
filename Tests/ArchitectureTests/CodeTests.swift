import Testing

@Suite("The house: what no file says")
struct CodeTests {
    /// Words, and why the daemon does without them.
    static let banned: [(String, String)] = [
        (
            #"\b(async|await|actor|Task|AsyncStream|DispatchQueue|DispatchSource)\b"#,
            "the daemon has one thread and an event loop"
        ),
        (#"\bRegex\b|#/|/#"#, "a regular expression brings 1 MB along and is not bounded in time"),
        (#"\bimport Foundation\b|\bNS[A-Z]\w+\("#, "the daemon has no Foundation"),
        (#"\btry!|\bas!|\bunowned\(unsafe\)"#, "nothing that ksmd reads may make it trap"),
    ]

    @Test("The daemon's rooms do without", arguments: banned.map(\.0), [Room.all.filter(\.isInDaemon)])
    func without(_ pattern: String, _ rooms: [Room]) throws {
        let regex = try Regex(pattern)
        for file in rooms.flatMap(\.files) {
            for (number, line) in file.code.enumerated() where line.contains(regex) {
                Issue.record("\(file.path):\(number + 1) says \(line)")
            }
        }
    }

    /// 2 un-shares all merged memory at once, which can take more than there is.
    @Test("Nothing writes 2 to run", arguments: SourceTree.files.map(\.path))
    func unmerge(_ path: String) throws {
        let file = try #require(SourceTree.files.first { $0.path == path })
        let writes =
            #/(?:\.run\s*,\s*(?:found:\s*|value:\s*)?|[rR]un\(\s*|mm/ksm/run"\s*,\s*)(?:\.unsigned\(\s*)?"?2\b/#
        for (number, line) in file.code.enumerated() where line.contains(writes) {
            Issue.record("\(path):\(number + 1) writes 2 to run: \(line)")
        }
    }

    @Test("Only the Unmerger opens run for the 2", arguments: ["openForUnmerging", "ksmd_fork_unmerger"])
    func door(_ name: String) throws {
        let users = SourceTree.files.filter { file in
            file.path.hasSuffix(".swift") && file.code.contains { $0.contains(name) && !$0.contains("func ") }
        }
        #expect(users.map { String($0.path.split(separator: "/").last ?? "") } == ["UnmergeWrites.swift"])
    }

    /// About 300 lines is what a person reads in one go; what is longer is two things.
    @Test("No file is long", arguments: SourceTree.files.map(\.path))
    func length(_ path: String) throws {
        let file = try #require(SourceTree.files.first { $0.path == path })
        #expect(file.lines.count <= 350)
    }

    @Test("main.swift only calls", arguments: SourceTree.files.map(\.path).filter { $0.hasSuffix("/main.swift") })
    func mainIsShort(_ path: String) throws {
        let file = try #require(SourceTree.files.first { $0.path == path })
        let statements = file.code.filter { !$0.allSatisfy(\.isWhitespace) && !$0.hasPrefix("import ") }
        #expect(statements.count == 1)
    }
}
