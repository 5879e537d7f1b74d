import Foundation
import Testing

/// The scripts that the package installs for the shells, as `ksmctl --generate-completion-script` writes them.
@Suite("Completion")
struct CompletionTests {
    struct Row: CustomTestStringConvertible {
        /// What is typed before the tabulator.
        var typed: String
        /// What is offered, in any order.
        var offers: [String]
        var testDescription: String { typed }
    }

    static let rows = [
        Row(typed: "ksmctl unm", offers: ["unmerge"]),
        Row(typed: "ksmctl numa s", offers: ["show", "set"]),
        Row(typed: "ksmctl numa set l", offers: ["local", "leave"]),
        Row(typed: "ksmctl unmerge --d", offers: ["--dry-run"]),
        Row(typed: "ksmctl config i", offers: ["import"]),
        Row(typed: "ksmctl show pages_sh", offers: ["pages_shared", "pages_sharing"]),
        Row(typed: "ksmctl log --kind scanning", offers: ["scanning-started", "scanning-stopped"]),
        Row(typed: "ksmctl record /sys/kern", offers: ["/sys/kernel"]),
    ]

    /// Asks as readline does, and prints what comes back.
    private static let ask = """
        source "$1"
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<<"$2"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _ksmctl ksmctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """

    @Test("bash offers what can follow", arguments: rows)
    func bash(_ row: Row) throws {
        let script = try TemporaryDirectory([
            "ksmctl": try Tool.run(["--generate-completion-script", "bash"]).output
        ])
        let result = try Tool.runProgram(["bash", "-c", Self.ask, "bash", script.path + "/ksmctl", row.typed])
        #expect(result.errors == "")
        #expect(Set(result.output.split(separator: "\n").map(String.init)) == Set(row.offers))
    }

    @Test("there is a script for each shell, and it names the commands", arguments: ["bash", "zsh", "fish"])
    func scripts(_ shell: String) throws {
        let result = try Tool.run(["--generate-completion-script", shell])
        #expect(result.status == 0)
        for word in ["retune", "unmerge", "import", "pages_shared"] { #expect(result.output.contains(word), "\(word)") }
    }
}
