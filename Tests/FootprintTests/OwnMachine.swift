import Foundation
import Glibc

/// The release ksmd on a machine of its own (`rig/machine`): it sees the stand-ins, a KSM of plain files and an empty
/// /run, and none of it is there after this object has gone.
final class OwnMachine {
    let notify: NotifyListener
    private(set) var pid: Int32 = 0
    private let process = Process()
    /// Never written to; when this process ends, however it ends, so does the machine.
    private let leash = Pipe()
    private let directory: URL

    /// - Parameters:
    ///   - environment: variables for ksmd alone.
    ///   - realKSM: the real `/sys/kernel/mm/ksm`.
    ///   - softLimit: of open files.
    init(
        guests: Int = 0,
        configuration: String,
        environment: [String: String] = [:],
        realKSM: Bool = false,
        softLimit: Int? = nil
    ) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "ksmd-footprint-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let file = directory.appending(path: "ksmd.conf")
        try Data(configuration.utf8).write(to: file)
        notify = try NotifyListener(directory.appending(path: "notify").path)

        var arguments = ["--leash", "--guests", "\(guests)"]
        if realKSM { arguments.append("--real-ksm") }
        if let softLimit { arguments += ["--soft-limit", "\(softLimit)"] }
        arguments += [try Rig.standIns.get(), "/usr/bin/env", "NOTIFY_SOCKET=\(notify.path)"]
        arguments += environment.map { "\($0.key)=\($0.value)" } + [Rig.ksmd, "--config=\(file.path)"]
        process.executableURL = Rig.directory.appending(path: "machine")
        process.arguments = arguments
        process.standardInput = leash
        process.standardOutput = FileHandle.nullDevice
        let log = directory.appending(path: "log")
        try Data().write(to: log)
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        do {
            pid = try pollHere("READY") { try notify.next { $0.contains("READY=1") }?.sender }
        } catch {
            throw Failure("\(error); ksmd said: \(String(decoding: try Data(contentsOf: log), as: UTF8.self))")
        }
    }

    deinit {
        // unshare --kill-child: its namespace, and all that runs in it, ends with it.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Sends SIGTERM and waits.
    ///
    /// - Returns: the exit status.
    func stop() throws -> Int32 {
        kill(pid, SIGTERM)
        return try pollHere("end of ksmd") { process.isRunning ? nil : process.terminationStatus }
    }

    // MARK: What it costs

    private func text(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)
    }

    /// A number after `key:` in a file below `/proc/PID`.
    private func number(_ key: String, in file: String) throws -> Int {
        let line = try text(file).split(separator: "\n").first { $0.hasPrefix("\(key):") }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        guard words.count > 1, let number = Int(words[1]) else { throw Failure("no \(key) in \(file)") }
        return number
    }

    var threads: Int { get throws { try number("Threads", in: "status") } }
    var residentKiB: Int { get throws { try number("VmRSS", in: "status") } }
    var anonymousKiB: Int { get throws { try number("Anonymous", in: "smaps_rollup") } }
    var openFiles: Int { get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count } }
    /// How often it went to sleep of its own accord, so how often it woke.
    var wakeups: Int { get throws { try number("voluntary_ctxt_switches", in: "status") } }

    // MARK: What it says

    struct State: Decodable {
        struct Guest: Decodable { let name: String }
        let tick: Int
        let guests: [Guest]
        let warnings: [String]
    }

    /// The state file; `nil` when there is none yet.
    var state: State? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/root/run/ksmd/state.json") else {
            return nil
        }
        return try? JSONDecoder().decode(State.self, from: data)
    }

    /// Waits for a tick after number `after`.
    ///
    /// - Returns: its number.
    func tick(after: Int = 0) async throws -> Int {
        try await poll("tick after \(after)") { state.flatMap { $0.tick > after ? $0.tick : nil } }
    }
}
