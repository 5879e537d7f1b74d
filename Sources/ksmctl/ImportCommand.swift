import ArgumentParser
import Glibc
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// `ksmctl config import`.
struct ConfigImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Print what was set for ksm and ksmtuned as a drop-in of ksmd.conf, or write it."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var machine: MachineOptions

    @Flag(
        name: .customLong("write"),
        help: ArgumentHelp("Write it to \(OldValues.path), unless that file is there.")
    )
    var isWriting = false

    func run() throws {
        let machine = try machine.open()
        let values = try OldFiles.read(machine.root)
        var report = ImportReport(values)
        guard let values else { return report.print(output) }
        report.selector = OldSelector(OldFiles.guests(machine))
        if !isWriting {
            report.outcome = .printed
        } else if OldFiles.isImported(machine.root) {
            report.outcome = .exists
        } else {
            try OldFiles.write(values, machine.root)
            report.outcome = .written
        }
        report.print(output)
    }
}

/// The files around an import.
private enum OldFiles {
    /// What a command line can have at most: the kernel's limit for arguments (MAX_ARG_STRLEN of linux/binfmts.h) is
    /// below.
    private static let commandLineLimit = 8 << 20

    /// What the old files set; `nil` where none of them is there.
    ///
    /// - Throws: when one is there and cannot be read, or the configuration cannot: nothing is imported by halves.
    static func read(_ root: KernelRoot) throws -> OldValues? {
        var sources: [Source] = []
        do throws(SystemError) {
            for (path, kind) in ConfigurationFiles.oldFiles {
                guard let bytes = try readIfThere(path, root) else { continue }
                sources.append(Source(path: path, kind: kind, bytes: bytes))
            }
        } catch {
            throw Failure(error)
        }
        if sources.isEmpty { return nil }
        do {
            return OldValues(sources, beside: try ConfigurationFiles.load(root: root))
        } catch {
            throw Failure(ExitStatus.configuration, error.description)
        }
    }

    private static func readIfThere(_ path: String, _ root: KernelRoot) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try root.readFile(path, limit: ConfigurationFiles.limit)
        } catch {
            if error.isAbsent { return nil }
            throw error
        }
    }

    /// Whether the drop-in is there, were it only a link that leads nowhere.
    static func isImported(_ root: KernelRoot) -> Bool {
        let parts = OldValues.path.split(separator: "/")
        let directory = "/" + parts.dropLast().joined(separator: "/")
        return (try? root.list(directory))?.contains { $0 == parts.last ?? "" } ?? false
    }

    static func write(_ values: OldValues, _ root: KernelRoot) throws {
        // Directories that are made are for everybody to read, as the file is: the daemon is not root.
        umask(0o022)
        do throws(SystemError) {
            try root.replaceFile(OldValues.path, Array(values.dropIn.utf8))
        } catch {
            throw Failure(error)
        }
    }

    /// The guests that run now with their command lines; one that has gone meanwhile is left out.
    static func guests(_ machine: Machine) -> [(name: String, commandLine: [UInt8])] {
        let names = machine.settings.guestNames
        let directory = GuestDirectory(machine.root, buffer: ReadBuffer(), patterns: names, readsPss: false)
        var problems: [String] = []
        _ = directory.discover(bootSeconds: 0, problems: &problems)
        return directory.guests.compactMap { guest in
            let bytes = try? machine.root.readFile("/proc/\(guest.pid)/cmdline", limit: commandLineLimit)
            return bytes.flatMap { $0.isEmpty ? nil : (guest.name, $0) }
        }
    }
}
