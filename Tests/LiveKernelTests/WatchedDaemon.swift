import Foundation
import KSMTestSupport
import Testing

/// The daemon on the real KSM, and what its state file says.
final class WatchedDaemon {
    /// What is read of the state file.
    struct State: Decodable {
        struct Guest: Decodable { let pid: Int32 }
        struct Source: Decodable { let source, condition: String }
        let pid: Int32
        let tick: Int
        let guests: [Guest]
        let events: [Source]
    }

    let program: Program
    private let configuration: URL
    private let stateFile: String

    /// Starts it with an interval of an hour, so that a tick needs a cause, and waits until it listens.
    ///
    /// - Parameters:
    ///   - sources: of `[Events]`.
    ///   - expecting: those of them that have to be there.
    ///   - bus: the address of its bus; none by default.
    ///   - command: what is put in front of the program's path, if anything.
    ///   - root: the root directory in which it sees its `/run`.
    init(
        _ kernel: LiveKernel,
        sources: String,
        expecting: [String] = [],
        _ text: String = "",
        bus: String? = nil,
        command: [String] = ["/usr/bin/env"],
        root: String = ""
    ) throws {
        configuration = FileManager.default.temporaryDirectory.appending(path: "ksmd-watched-\(UUID().uuidString).conf")
        try Data("[Tuner]\nInterval=1h\n[Events]\nSources=\(sources)\n\(text)".utf8).write(to: configuration)
        let path = Program.directory.appending(path: "ksmd").path
        let words = command.dropFirst() + [path, "--config=\(configuration.path)"]
        let address = bus ?? "unix:path=/nonexistent"
        program = kernel.owns(
            try Program(command[0], Array(words), environment: ["DBUS_SYSTEM_BUS_ADDRESS": address])
        )
        stateFile = root + "/run/ksmd/state.json"
        let isReady = eventually {
            guard let state, state.pid == program.pid, state.tick > 0 else { return !program.process.isRunning }
            return expecting.allSatisfy { name in
                state.events.contains { $0.source == name && $0.condition == "active" }
            }
        }
        try #require(isReady && program.process.isRunning, "\(program.standardError)")
    }

    deinit {
        try? FileManager.default.removeItem(at: configuration)
    }

    /// `nil` while there is none.
    var state: State? {
        FileManager.default.contents(atPath: stateFile).flatMap { try? JSONDecoder().decode(State.self, from: $0) }
    }

    var tick: Int { state?.tick ?? 0 }

    func lists(_ pid: Int32) -> Bool { state?.guests.contains { $0.pid == pid } ?? false }

    /// Waits until `condition` holds.
    ///
    /// - Returns: after how many seconds it did; `nil` if it did not within `limit`.
    func time(limit: Double = 20, _ act: () throws -> Void, until condition: () -> Bool) throws -> Double? {
        let start = now()
        try act()
        while now() < start + limit {
            if condition() { return now() - start }
            usleep(2000)
        }
        return nil
    }

    /// A number of kB in `/proc/PID/status`.
    func kibibytes(_ key: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(key + ":") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}
