import Foundation
import Glibc
import KSMKernel
import KSMModel
import KSMSystemd
import KSMTestSupport
import KSMText
import Testing

@testable import KSMTuner

/// A socket that starts `ksmd --serve` for each connection, with it as standard input and output, as `Accept=yes` does.
private final class Socket {
    let path = FileManager.default.temporaryDirectory.appending(path: "ksmd-helper-\(UUID().uuidString)").path

    init() throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un(path: path)
        let isBound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound && listen(listener, 1) == 0)
        let program = Program.directory.appending(path: "ksmd").path
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            let pid = try? OwnProgram.spawn(
                ["ksmd", "--serve"],
                program: program,
                input: connection,
                output: connection
            )
            for file in [connection, listener] { close(file) }
            if let pid { waitpid(pid, nil, 0) }
        }
    }

    deinit { unlink(path) }
}

@Suite("What needs more rights runs behind a socket")
struct HelperSocketTests {
    private func file(_ text: String = "") throws -> Int32 {
        try PlainIO.memoryFile(Array(text.utf8))
    }

    @Test("The daemon goes through the socket where there is one, and asks itself where there is none")
    func detour() {
        #expect(HelperSocket.detour(["name", "--survey"], socket: "/nonexistent") == ["name", "--survey"])
        let there = HelperSocket.detour(["name", "--survey"], socket: "/dev/null")
        #expect(there == ["name", "--through-helper", "--survey"])
    }

    @Test("A survey through the socket is the survey")
    func survey() throws {
        let socket = try Socket()
        let (input, output) = (try file("\(getpid()) 0\n"), try file())
        defer { for file in [input, output] { close(file) } }
        #expect(HelperSocket.run("ksmd", ["--survey"], socket: socket.path, input: input, output: output) == 0)
        let bytes = try PlainIO.contents(of: output)
        let survey = try Survey.parse(bytes.span)
        #expect(survey.cpuNanoseconds > 0)
        #expect(String(decoding: bytes, as: UTF8.self).contains("guest \(getpid()) "))
    }

    static let refused = [["--restore"], ["--survey", "--full"], ["--config=/etc/shadow"]]

    @Test("What is not permitted is refused", arguments: refused)
    func refusal(_ arguments: [String]) throws {
        let socket = try Socket()
        let output = try file()
        defer { close(output) }
        #expect(HelperSocket.run("ksmd", arguments, socket: socket.path, output: output) == ExitStatus.failure)
        #expect(try PlainIO.contents(of: output).isEmpty)
    }

    @Test("When the daemon hangs up, what runs is told to break off")
    func hangUp() throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let pid = try OwnProgram.spawn(["sleep", "1000"], program: "/bin/sleep")
        // That nothing more is sent is no hanging up.
        shutdown(ends[1], Int32(SHUT_WR))
        DispatchQueue.global().asyncAfter(deadline: .now() + 0.2) { [end = ends[1]] in close(end) }
        let begin = ContinuousClock.now
        #expect(HelperService.wait(pid, connection: ends[0]) == ExitStatus.failure)
        #expect(ContinuousClock.now - begin > .milliseconds(150))
        #expect(kill(pid, 0) == -1)
        close(ends[0])
    }

    @Test("It passes on the status of what ran")
    func status() throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let pid = try OwnProgram.spawn(["sh", "-c", "exit 69"], program: "/bin/sh")
        #expect(HelperService.wait(pid, connection: ends[0]) == 69)
    }
}
