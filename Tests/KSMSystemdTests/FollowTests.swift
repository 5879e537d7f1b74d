import Foundation
import Glibc
import KSMSystemd
import KSMTestSupport
import Testing

@Suite("ksmctl log --follow on a real journal")
struct FollowTests {
    @Test(
        "An entry is printed within seconds, also after the journal has been restarted, or killed",
        .enabled(if: canRunJournald, "needs root and systemd-journald, for a journal in a mount namespace")
    )
    func follow() async {
        await #expect(processExitsWith: .success) {
            let journal = try JournaldFixture()
            let writer = JournalWriter(environment: try JournaldFixture.environmentWithStandardError())
            writer.write(.info, "before", id: .held)
            _ = try journal.entries()

            let pipe = try Pipe()
            let ksmctl = Program.directory.appending(path: "ksmctl").path
            let pid = try JournaldFixture.run([ksmctl, "log", "--follow"], output: pipe.writeEnd)
            var output = ""
            func isPrinted(_ message: String) throws -> Bool {
                try eventually {
                    output += try text(pipe.available())
                    return output.contains("held") && output.contains("  \(message)\n")
                }
            }
            #expect(try isPrinted("before"))
            writer.write(.info, "first", id: .held)
            #expect(try isPrinted("first"))
            for signal in [SIGTERM, SIGKILL] {
                try journal.restart(by: signal)
                writer.write(.info, "after signal \(signal)", id: .held)
                #expect(try isPrinted("after signal \(signal)"))
            }
            #expect(output.split(separator: "\n").count == 4)

            kill(pid, SIGINT)
            var status: Int32 = 0
            try succeed("waitpid", waitpid(pid, &status, 0))
            #expect(status == SIGINT)
        }
    }
}
