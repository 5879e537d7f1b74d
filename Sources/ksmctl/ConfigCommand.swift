import ArgumentParser
import KSMConfiguration
import KSMKernel
import KSMReport
import KSMTuner

/// `ksmctl config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at the configuration, and take over that of ksmtuned.",
        subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self, ConfigImportCommand.self]
    )

    func run() throws {
        throw ValidationError("A command is missing after 'config': check, show or import")
    }

    /// The configuration; an unreadable main file ends the command as it ends the daemon.
    static func load(_ machine: MachineOptions, file: String? = nil) throws -> Configuration {
        let root = try machine.open().root
        do {
            if let file { return try ConfigurationFiles.load(only: file) }
            return try ConfigurationFiles.load(root: root)
        } catch {
            throw Failure(ExitStatus.configuration, error.description)
        }
    }

    static func write(_ warnings: [Diagnostic], to json: inout JSONWriter) {
        json.array("warnings") { json in
            for warning in warnings {
                json.object { json in
                    json.member("file", warning.file)
                    json.member("line", warning.line)
                    json.member("key", warning.key)
                    json.member("message", warning.message)
                }
            }
        }
    }
}

/// `ksmctl config check`.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Print what is wrong in the configuration; exit with 1 if anything is."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    @Argument(help: "Check this file alone.", completion: .file())
    var file: String?

    func run() throws {
        let warnings = try ConfigCommand.load(machine, file: file).warnings
        if output.wantsJSON {
            output.printJSON { json in json.object { ConfigCommand.write(warnings, to: &$0) } }
        } else {
            print(warnings.isEmpty ? "No warnings." : warnings.map(\.description).joined(separator: "\n"))
        }
        if !warnings.isEmpty { throw Failure(ExitStatus.failure) }
    }
}

/// `ksmctl config show`.
struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the settings in force, and where each comes from."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    func run() throws {
        let configuration = try ConfigCommand.load(machine)
        if output.wantsJSON {
            output.printJSON { ConfigShowCommand.write(configuration, to: &$0) }
        } else {
            print(ConfigShowCommand.text(configuration), terminator: "")
        }
    }

    private static func text(_ configuration: Configuration) -> String {
        var result = ""
        var section = ""
        for entry in configuration.entries {
            if entry.section != section {
                result += (section.isEmpty ? "" : "\n") + "[\(entry.section)]\n"
                section = entry.section
            }
            result += TextLayout.pad(Human.plain("\(entry.key)=\(entry.value)"), to: 44) + "  \(entry.origin)\n"
        }
        guard !configuration.warnings.isEmpty else { return result }
        return result + "\n\(Human.count(configuration.warnings.count, "warning")): see `ksmctl config check`\n"
    }

    private static func write(_ configuration: Configuration, to json: inout JSONWriter) {
        json.object { json in
            json.array("settings") { json in
                for entry in configuration.entries {
                    json.object { json in
                        json.member("section", entry.section)
                        json.member("key", entry.key)
                        json.member("value", entry.value)
                        json.member("origin", entry.origin.description)
                    }
                }
            }
            ConfigCommand.write(configuration.warnings, to: &json)
        }
    }
}
