import Glibc
package import KSMConfiguration
package import KSMKernel

/// Finds and reads the configuration files, as systemd does for its own (systemd.syntax(7), "configuration directories").
package enum ConfigurationFiles {
    /// Where ksmd.conf and `ksmd.conf.d` are looked for.
    ///
    /// The first directory wins: the administrator's, this boot's, the local installation's, the distribution's.
    package static let directories = ["/etc/ksmd", "/run/ksmd", "/usr/local/lib/ksmd", "/usr/lib/ksmd"]

    /// Files of KSM's old services; Debian's name and Red Hat's for the environment of ksm.service.
    package static let oldFiles: [(path: String, kind: Source.Kind)] = [
        ("/etc/ksmtuned.conf", .ksmtuned), ("/etc/default/ksm", .ksm), ("/etc/sysconfig/ksm", .ksm),
    ]

    /// The most that is read of one file, in bytes.
    ///
    /// The shipped one has 4 KiB.
    package static let limit = 1 << 20

    /// Reads everything that counts on this machine, or in a directory that holds a recorded one.
    ///
    /// A file that is not there is fine. One that cannot be read is a warning, except the main file.
    /// - Throws: when ksmd.conf is there and cannot be read, or is larger than `limit` (ksmd then exits with 78).
    package static func load(root: KernelRoot) throws(SystemError) -> Configuration {
        var files = Files(root: root)
        try files.readMain()
        files.readDropIns()
        for (path, kind) in oldFiles { files.readIfThere(path, kind) }
        return Configuration.load(sources: files.sources, fileWarnings: files.warnings)
    }

    /// Reads one file and nothing else: no drop-ins, no old files.
    ///
    /// It has the syntax of ksmd.conf, unless it is called `ksmtuned.conf` or `ksm`.
    /// - Parameter path: a path of the running machine, from the working directory where it is relative.
    /// - Throws: when the file is not there, cannot be read, or is larger than `limit`.
    package static func load(only path: String) throws(SystemError) -> Configuration {
        let bytes = try KernelRoot().readFile(absolute(path), limit: limit)
        return Configuration.load(sources: [Source(path: path, kind: kind(path), bytes: bytes)])
    }

    private static func kind(_ path: String) -> Source.Kind {
        switch path.split(separator: "/").last {
        case "ksmtuned.conf": .ksmtuned
        case "ksm": .ksm
        default: .main
        }
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let buffer = getcwd(nil, 0) else { return path }
        defer { free(buffer) }
        return String(cString: buffer) + "/" + path
    }
}

/// What has been read so far.
private struct Files {
    let root: KernelRoot
    var sources: [Source] = []
    var warnings: [Diagnostic] = []

    init(root: KernelRoot) {
        self.root = root
    }

    /// The first ksmd.conf that is there.
    ///
    /// An empty one, or a link to /dev/null, hides those behind it like any other.
    mutating func readMain() throws(SystemError) {
        for directory in ConfigurationFiles.directories {
            let path = directory + "/ksmd.conf"
            do throws(SystemError) {
                let bytes = try root.readFile(path, limit: ConfigurationFiles.limit)
                sources.append(Source(path: path, kind: .main, bytes: bytes))
                return
            } catch {
                guard error.isAbsent else { throw error }
            }
        }
    }

    /// The files of all `ksmd.conf.d`, by name; of two with one name the one of the earlier directory.
    mutating func readDropIns() {
        var directoryOf: [String: String] = [:]
        for directory in ConfigurationFiles.directories {
            for name in names(in: directory + "/ksmd.conf.d") where directoryOf[name] == nil {
                directoryOf[name] = directory
            }
        }
        for (name, directory) in directoryOf.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let path = directory + "/ksmd.conf.d/" + name
            do throws(SystemError) {
                let bytes = try root.readFile(path, limit: ConfigurationFiles.limit)
                sources.append(Source(path: path, kind: .dropIn, bytes: bytes))
            } catch {
                warn(path, error)
            }
        }
    }

    mutating func readIfThere(_ path: String, _ kind: Source.Kind) {
        do throws(SystemError) {
            let bytes = try root.readFile(path, limit: ConfigurationFiles.limit)
            sources.append(Source(path: path, kind: kind, bytes: bytes))
        } catch {
            if !error.isAbsent { warn(path, error) }
        }
    }

    /// The names that count: `*.conf`, not hidden.
    private mutating func names(in directory: String) -> [String] {
        do throws(SystemError) {
            return try root.list(directory).filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }
        } catch {
            if !error.isAbsent { warn(directory, error) }
            return []
        }
    }

    private mutating func warn(_ path: String, _ error: SystemError) {
        warnings.append(Diagnostic(file: path, message: "cannot be read (\(error.cause)); it is ignored"))
    }
}
