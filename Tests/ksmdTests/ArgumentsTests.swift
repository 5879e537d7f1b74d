import KSMModel
import KSMTuner
import Testing

@testable import ksmd

@Suite("The command line of ksmd")
struct ArgumentsTests {
    private func options(_ change: (inout DaemonOptions) -> Void = { _ in }) -> DaemonOptions {
        var options = DaemonOptions()
        change(&options)
        return options
    }

    @Test("What is understood, with = and with a space")
    func understood() throws {
        #expect(try Command.parse([]) == .run(options()))
        #expect(
            try Command.parse(["--root", "/x", "--ticks=3"])
                == .run(
                    options {
                        $0.root = "/x"; $0.ticks = 3
                    }
                )
        )
        #expect(try Command.parse(["--root=/x=y"]) == .run(options { $0.root = "/x=y" }))
        #expect(
            try Command.parse(["--dry-run", "--json", "--policy", "classic", "--config=/c"])
                == .run(
                    options {
                        $0.dryRun = true; $0.json = true; $0.policy = .classic; $0.configFile = "/c"
                    }
                )
        )
        #expect(try Command.parse(["--restore", "--root=/x"]) == .restore(options { $0.root = "/x" }))
        #expect(try Command.parse(["--help"]) == .help)
        #expect(try Command.parse(["-h"]) == .help)
        #expect(try Command.parse(["--version"]) == .version)
    }

    @Test(
        "What is not, with one specific sentence",
        arguments: [
            (["--root"], "--root needs a value"), (["--ticks", "0"], "above 0"), (["--ticks=x"], "\"x\""),
            (["--ticks=-1"], "above 0"), (["--ticks=99999999999999999999"], "above 0"), (["--policy=fast"], "classic"),
            (["--json=yes"], "--json takes no value"), (["extra"], "\"extra\""), (["--Root=/x"], "unknown argument"),
            (["-x"], "unknown argument"), ([""], "unknown argument"), (["--"], "unknown argument"),
            (["="], "unknown argument"),
        ]
    )
    func refused(_ arguments: [String], _ part: String) {
        let error = #expect(throws: UsageError.self) { try Command.parse(arguments) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("The help is a table of at most 24 lines and 80 columns")
    func help() {
        let lines = Program.help.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 24)
        #expect(lines.allSatisfy { $0.count <= 80 })
    }
}
