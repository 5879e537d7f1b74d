import Foundation
import KSMFuzz
import Testing

/// One checked-in file: where fuzzing starts (`corpus`), or what it found (`found`).
struct Input: CustomTestStringConvertible, Sendable {
    var target: FuzzTarget
    var name: String
    var bytes: [UInt8]

    var testDescription: String { name }

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fuzz")

    static func entries(of path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/" + path))?.sorted() ?? []
    }

    static let all: [Input] = FuzzTarget.allCases.flatMap { target in
        ["corpus/\(target.rawValue)", "found/\(target.rawValue)"].flatMap { path in
            entries(of: path).compactMap { name in
                let file = FileManager.default.contents(atPath: "\(directory.path)/\(path)/\(name)")
                return file.map { Input(target: target, name: "\(path)/\(name)", bytes: Array($0)) }
            }
        }
    }
}

@Suite("Text parsers on the inputs of the fuzzer")
struct FuzzRegressionTests {
    @Test("The parser keeps its rules", arguments: Input.all)
    func input(_ input: Input) throws {
        try input.target.check(input.bytes)
    }

    @Test("The parser keeps its rules wherever the file is cut", arguments: Input.all)
    func cut(_ input: Input) throws {
        for length in 0..<min(input.bytes.count, 400) { try input.target.check(Array(input.bytes[..<length])) }
    }

    @Test(
        "The parser keeps its rules whatever one byte is",
        arguments: Input.all,
        [0, 0x0a, 0x20, 0x2d, 0x39, 0xff] as [UInt8]
    )
    func changed(_ input: Input, _ byte: UInt8) throws {
        var bytes = input.bytes
        for index in bytes.indices.prefix(400) {
            let before = bytes[index]
            bytes[index] = byte
            try input.target.check(bytes)
            bytes[index] = before
        }
    }

    /// A parser that is quadratic takes minutes for this one.
    @Test("A quarter of a megabyte of the same is parsed in no time", arguments: Input.all.filter { !$0.bytes.isEmpty })
    func long(_ input: Input) throws {
        let size = 1 << 18
        var bytes: [UInt8] = []
        while bytes.count < size { bytes += input.bytes }
        let clock = ContinuousClock()
        let start = clock.now
        try input.target.check(bytes)
        #expect(clock.now - start < .seconds(30))
    }

    @Test("Every parser has inputs to start from", arguments: FuzzTarget.allCases)
    func corpus(_ target: FuzzTarget) {
        #expect(Input.all.filter { $0.target == target }.count >= 2)
    }

    @Test("Every directory of inputs is that of a parser", arguments: ["corpus", "found"])
    func directories(_ kind: String) {
        let known = Set(FuzzTarget.allCases.map(\.rawValue))
        #expect(Set(Input.entries(of: kind)).subtracting(known).isEmpty)
    }
}
