import Foundation
import Testing

/// `packaging/libvirt/ksmd`, run as libvirt does: with pipes for all three, and waiting for their end.
private struct Hook {
    static let path = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("packaging/libvirt/ksmd").path

    /// Shell words that last as long as the place does, or until the hook's time limit.
    static let hanging = "while [ -e bin ]; do sleep 0.05; done"

    /// Holds `bin`, which is all of PATH, and what the stand-in of ksmctl writes.
    let place: TemporaryDirectory

    /// - Parameter ksmctl: a script in its place; none where `nil`.
    init(ksmctl: String?) throws {
        place = try TemporaryDirectory(["bin/.keep": ""])
        for name in ["setsid", "timeout", "sleep", "readlink", "cat", "mv"] {
            try FileManager.default.createSymbolicLink(
                atPath: place.path + "/bin/" + name,
                withDestinationPath: "/usr/bin/" + name
            )
        }
        if let ksmctl { try install("ksmctl", ksmctl) }
    }

    /// Puts a script into `bin`, by another program: what this one has open for writing, its children have for a moment
    /// too, and the kernel refuses to run it then.
    func install(_ name: String, _ script: String) throws {
        let text = "#!/bin/sh\ncd '\(place.path)'\n\(script)\n"
        let write = "rm -f \"$1\" && printf %s \"$2\" >\"$1\" && chmod 755 \"$1\""
        let result = try Tool.runProgram(["sh", "-c", write, "sh", "\(place.path)/bin/\(name)", text])
        try #require(result.status == 0)
    }

    /// How a call ended, and after how many seconds.
    struct Ending {
        /// The exit status; negative for a signal.
        var status: Int32
        var output: String
        var errors: String
        var seconds: Double

        var isSilentSuccess: Bool { status == 0 && output.isEmpty && errors.isEmpty }
    }

    /// Calls it for a guest; standard input stays open and is never written to.
    ///
    /// Not by `Process`: that waits also for whoever has inherited a socket of its own.
    func call(_ operation: String, _ stage: String = "begin", words: [String] = [Hook.path]) throws -> Ending {
        let (input, output, errors) = (try Channel(), try Channel(), try Channel())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, end) in [input.reading, output.writing, errors.writing].enumerated() {
            posix_spawn_file_actions_adddup2(&actions, end.fileDescriptor, Int32(target))
        }
        let line = words + ["web", operation, stage, "-"]
        let variables = ["PATH=\(place.path)/bin", "LC_ALL=C"]
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        let begin = Date()
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, words[0], &actions, nil, &arguments, &environment)
        try #require(failure == 0)
        for end in [input.reading, output.writing, errors.writing] { try end.close() }
        let texts = [output, errors].map { String(decoding: $0.reading.readDataToEndOfFile(), as: UTF8.self) }
        var status: Int32 = 0
        try #require(waitpid(pid, &status, 0) == pid)
        return Ending(
            status: status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f),
            output: texts[0],
            errors: texts[1],
            seconds: Date().timeIntervalSince(begin)
        )
    }

    /// What the stand-in has left in `name`, as soon as it is there.
    func left(_ name: String) -> String? {
        for _ in 0..<500 {
            if let text = place.read(name) { return text }
            usleep(20_000)
        }
        return nil
    }
}

/// A pipe that other programs of this process do not inherit.
private struct Channel {
    let reading: FileHandle
    let writing: FileHandle

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        writing = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    }
}

@Suite("The libvirt hook")
struct LibvirtHookTests {
    /// libvirt waits for the pipes to close; so long that a loaded machine has time, and no wait for ksmctl passes.
    static let atOnce = 5.0

    @Test("asks ksmd to retune when a guest's process is there and when it is gone", arguments: ["started", "release"])
    func asks(_ operation: String) throws {
        let hook = try Hook(ksmctl: "echo \"$*\" >new; mv new arguments")
        #expect(try hook.call(operation).isSilentSuccess)
        #expect(hook.left("arguments") == "retune\n")
    }

    @Test(
        "leaves every other operation alone",
        arguments: ["prepare", "start", "stopped", "migrate", "restore", "reconnect", "attach", ""]
    )
    func others(_ operation: String) throws {
        let hook = try Hook(ksmctl: "")
        // In the place of setsid, since that is called before the hook ends.
        try hook.install("setsid", "echo called >called")
        #expect(try hook.call(operation).isSilentSuccess)
        #expect(hook.place.read("called") == nil)
        #expect(try hook.call("started").isSilentSuccess)
        #expect(hook.place.read("called") != nil)
    }

    @Test("does not wait for a ksmctl that hangs, nor for its own standard input")
    func hangs() throws {
        let hook = try Hook(ksmctl: "echo >new; mv new begun; \(Hook.hanging)")
        let ending = try hook.call("started")
        #expect(ending.isSilentSuccess)
        #expect(ending.seconds < LibvirtHookTests.atOnce)
        #expect(hook.left("begun") != nil)
    }

    @Test("ends a ksmctl that hangs after ten seconds")
    func timeLimit() throws {
        let hook = try Hook(ksmctl: "")
        try hook.install("timeout", "echo \"$*\" >new; mv new arguments")
        #expect(try hook.call("started").isSilentSuccess)
        #expect(hook.left("arguments") == "-k 1 10 ksmctl retune\n")
    }

    @Test("succeeds and says nothing when ksmctl fails")
    func fails() throws {
        let hook = try Hook(ksmctl: "echo out; echo err >&2; echo done >new; mv new done; exit 3")
        let ending = try hook.call("release", "end")
        #expect(hook.left("done") != nil)
        #expect(ending.isSilentSuccess)
    }

    @Test("succeeds and says nothing without ksmctl, and without setsid")
    func absent() throws {
        #expect(try Hook(ksmctl: nil).call("started").isSilentSuccess)
        let hook = try Hook(ksmctl: "")
        try FileManager.default.removeItem(atPath: hook.place.path + "/bin/setsid")
        #expect(try hook.call("started").isSilentSuccess)
    }

    @Test("starts ksmctl in a session of its own with nothing open")
    func descriptors() throws {
        let look = "for fd in 0 1 2 7; do list=\"$list$fd $(readlink /proc/$$/fd/$fd),\"; done; echo \"$list\" >new"
        let hook = try Hook(ksmctl: "read -r line </proc/$$/stat; echo \"$line\" >stat; \(look); mv new open")
        let words = ["/bin/sh", "-c", "exec \"$0\" \"$@\" 7<\(Hook.path)", Hook.path]
        #expect(try hook.call("started", words: words).isSilentSuccess)
        #expect(hook.left("open") == "0 /dev/null,1 /dev/null,2 /dev/null,7 ,\n")
        // PID (NAME) STATE PPID PGRP SESSION; its leader is `timeout`, its parent.
        let fields = try #require(hook.left("stat")).split(separator: ")").last?.split(separator: " ") ?? []
        try #require(fields.count > 4)
        #expect(fields[3] == fields[1])
        #expect(fields[3] != Substring(String(getsid(0))))
    }
}
