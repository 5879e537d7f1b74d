import Foundation
import KSMModel
import KSMPolicy
import KSMReport
import KSMSystemd
import KSMTuner
import Testing

@Suite("ksmd(8)")
struct DaemonPageTests {
    let page: ManualPage

    init() throws {
        page = try ManualPage("packaging/man/ksmd.8")
    }

    @Test("has every option of ksmd --help, and no other")
    func options() throws {
        let help = Tool.options(in: try Tool.built("ksmd", "--help"))
        let documented = Tool.options(in: page.text(section: "OPTIONS"))
        #expect(help.count > 5)
        #expect(documented == help)
    }

    @Test("has every exit status")
    func exitStatuses() {
        let statuses = [
            ExitStatus.success, ExitStatus.failure, ExitStatus.usage, ExitStatus.unavailable, ExitStatus.noPermission,
            ExitStatus.configuration,
        ]
        #expect(tags(of: page) == statuses.map { String($0) })
    }

    @Test("has the signals that the daemon knows", arguments: ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
    func signals(_ name: String) {
        #expect(ManualPage.mentions(page.text(section: "SIGNALS"), name))
    }

    @Test("has the files of /run", arguments: [SavedState.path, StateFile.path, Hold.path, InstanceLock.path])
    func files(_ path: String) {
        #expect(ManualPage.mentions(page.text(section: "FILES"), path))
    }

    @Test("has every kind of journal entry", arguments: MessageID.allCases)
    func messages(_ id: MessageID) {
        #expect(page.rows.filter { $0.first == id.rawValue }.count == 1)
    }

    @Test("has the journal fields of a decision, and its reason")
    func fields() {
        var policy = ClassicPolicy(ClassicParameters())
        var sample = Sample(monotonicNanoseconds: 0, pageSize: 4096)
        sample.memory.memTotalKiB = 16 << 20
        sample.memory.memFreeKiB = 1 << 20
        sample.memory.buffersKiB = 0
        sample.memory.cachedKiB = 0
        let reason = policy.step(sample).reason
        #expect(reason.code == "pressure")
        let text = page.text(section: "JOURNAL")
        for name in reason.fields.map({ "KSM_" + $0.name }) + [reason.code] {
            #expect(ManualPage.mentions(text, name), "\(name) is missing")
        }
    }

    @Test("has every state", arguments: StateReport.State.allCases)
    func states(_ state: StateReport.State) {
        #expect(ManualPage.mentions(page.text(section: "STATE FILE"), state.rawValue))
    }

    @Test("has every member of the state file")
    func stateFile() throws {
        let text = page.text(section: "STATE FILE")
        for name in try JSONNames.all(in: Example.state.json) {
            #expect(ManualPage.mentions(text, name), "\(name) is missing")
        }
    }
}

@Suite("ksmctl(8)")
struct ControlPageTests {
    let page: ManualPage

    init() throws {
        page = try ManualPage("packaging/man/ksmctl.8")
    }

    @Test("has every verb of ksmctl --help")
    func verbs() throws {
        let verbs = try Self.verbs()
        #expect(verbs.count > 5)
        let documented = page.subsections.filter { !$0.isEmpty }
        for verb in verbs {
            #expect(documented.contains { $0 == verb || $0.hasPrefix(verb + " [") || $0.hasPrefix(verb + " DIR") })
        }
    }

    @Test("has every option of every verb")
    func options() throws {
        let documented = Tool.options(in: page.text(section: "OPTIONS"))
        for verb in try Self.verbs() {
            let words = verb.split(separator: " ").map(String.init) + ["--help-hidden"]
            let help = try Tool.run([Tool.directory.appendingPathComponent("ksmctl").path] + words).output
            #expect(Tool.options(in: help).subtracting(["--help-hidden"]).isSubset(of: documented), "\(verb)")
        }
    }

    @Test("has every exit status")
    func exitStatuses() {
        let statuses = [
            ExitStatus.success, ExitStatus.failure, ExitStatus.usage, ExitStatus.notRunning, ExitStatus.unavailable,
            ExitStatus.noPermission, ExitStatus.configuration,
        ]
        #expect(tags(of: page) == statuses.map { String($0) })
    }

    @Test("has every member of the status as JSON")
    func statusMembers() throws {
        let text = page.text(section: "JSON OUTPUT")
        for name in try JSONNames.all(in: Example.statusJSON) {
            #expect(ManualPage.mentions(text, name), "\(name) is missing")
        }
    }

    @Test("has every member of the attributes as JSON")
    func attributeMembers() throws {
        let text = page.text(section: "JSON OUTPUT")
        let names = try JSONNames.all(in: Example.attributesJSON)
        #expect(names.contains("old_guides"))
        for name in names { #expect(ManualPage.mentions(text, name), "\(name) is missing") }
    }

    /// The verbs as they are typed, two words where a verb has others below it.
    private static func verbs() throws -> [String] {
        let top = subcommands(try Tool.built("ksmctl", "--help"))
        return try top.flatMap { verb in
            let below = subcommands(try Tool.built("ksmctl", verb, "--help"))
            return below.isEmpty ? [verb] : below.map { "\(verb) \($0)" }
        }
    }

    private static func subcommands(_ help: String) -> [String] {
        help.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.dropFirst().compactMap { line in
            guard line.hasPrefix("  "), let first = line.dropFirst(2).first, first.isLetter else { return nil }
            let word = String(line.split(separator: " ")[0])
            return word == "See" ? nil : word
        }
    }
}

/// The tags of the paragraphs about exit statuses.
private func tags(of page: ManualPage) -> [String] {
    page.paragraphs.filter { $0.section == "EXIT STATUS" }.compactMap { paragraph in
        paragraph.text.split(separator: " ").first.map(String.init).flatMap { Int($0) == nil ? nil : $0 }
    }
}

@Suite("All manual pages")
struct AllPagesTests {
    @Test(
        "man prints no warning",
        .enabled("man is not installed") { Tool.isInstalled("man") },
        arguments: Repository.manualPages
    )
    func warnings(_ path: String) throws {
        let file = Repository.url.appendingPathComponent(path).path
        let result = try Tool.run(["man", "--warnings", "-l", file])
        #expect(result.errors == "")
        #expect(result.status == 0)
        // A stub of man, as in small containers, prints nothing of it.
        #expect(result.output.contains("DESCRIPTION") || result.output.contains("minimized"))
    }

    @Test("each is of this version", arguments: Repository.manualPages)
    func version(_ path: String) throws {
        #expect(try ManualPage(path).header.contains("ksmd \(Daemon.version)"))
    }
}
