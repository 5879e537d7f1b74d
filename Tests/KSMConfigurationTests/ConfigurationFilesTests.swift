import Foundation
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMTuner
import Testing

@Suite("Finding and reading the configuration files")
struct ConfigurationFilesTests {
    /// A directory that holds a machine's files, removed at the end.
    private final class Machine {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("ksmd-\(UUID().uuidString)")

        init(_ files: KeyValuePairs<String, String> = [:]) throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for (path, text) in files { try write(path, Data(text.utf8)) }
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        func write(_ path: String, _ data: Data) throws {
            let file = try place(path)
            try data.write(to: file)
        }

        func link(_ path: String, to target: String) throws {
            try FileManager.default.createSymbolicLink(atPath: try place(path).path, withDestinationPath: target)
        }

        /// The file's URL; its directory is made.
        func place(_ path: String) throws -> URL {
            let file = url.appendingPathComponent(path)
            let directory = file.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            return file
        }

        func load() throws -> Configuration {
            try ConfigurationFiles.load(root: try KernelRoot(url.path))
        }
    }

    @Test("a machine without any file has the defaults and no warning")
    func none() throws {
        let configuration = try Machine().load()
        #expect(configuration.settings == Settings())
        #expect(configuration.lines == [])
    }

    @Test("the first main file counts, alone", arguments: 0..<4)
    func mainFile(_ first: Int) throws {
        let machine = try Machine()
        for (index, directory) in ConfigurationFiles.directories.enumerated().dropFirst(first) {
            try machine.write(directory + "/ksmd.conf", Data("[Scanner]\nBoostPages=\(index)\n".utf8))
        }
        let configuration = try machine.load()
        #expect(configuration.classic.boostPages == Int64(first))
        #expect(
            configuration.entry("BoostPages")?.origin
                == .line(path: ConfigurationFiles.directories[first] + "/ksmd.conf", number: 2)
        )
    }

    @Test("an empty main file hides those behind it")
    func emptyMainFile() throws {
        let machine = try Machine(["/etc/ksmd/ksmd.conf": "", "/usr/lib/ksmd/ksmd.conf": "[Scanner]\nBoostPages=1\n"])
        #expect(try machine.load().settings == Settings())
    }

    @Test("drop-ins of all directories are read by name, after the main file")
    func dropIns() throws {
        let machine = try Machine([
            "/etc/ksmd/ksmd.conf": "[Scanner]\nBoostPages=1\nDecayPages=-1\n",
            "/usr/lib/ksmd/ksmd.conf.d/30.conf": "[Scanner]\nBoostPages=30\n",
            "/run/ksmd/ksmd.conf.d/20.conf": "[Scanner]\nBoostPages=20\nMinimumPages=20\n",
            "/etc/ksmd/ksmd.conf.d/10.conf": "[Scanner]\nMinimumPages=10\nMaximumPages=10000\n",
        ])
        let configuration = try machine.load()
        #expect(configuration.classic.boostPages == 30)
        #expect(configuration.classic.decayPages == -1)
        #expect(configuration.classic.minimumPages == 20)
        #expect(configuration.classic.maximumPages == 10_000)
        #expect(configuration.lines == [])
    }

    @Test("of drop-ins with one name the first directory's counts", arguments: 0..<4)
    func sameName(_ first: Int) throws {
        let machine = try Machine()
        for (index, directory) in ConfigurationFiles.directories.enumerated().dropFirst(first) {
            try machine.write(directory + "/ksmd.conf.d/a.conf", Data("[Scanner]\nBoostPages=\(index)\n".utf8))
        }
        #expect(try machine.load().classic.boostPages == Int64(first))
    }

    @Test("an empty drop-in and a link to /dev/null hide the one of the same name", arguments: [false, true])
    func masked(_ isLink: Bool) throws {
        let machine = try Machine(["/usr/lib/ksmd/ksmd.conf.d/a.conf": "[Scanner]\nBoostPages=1\n"])
        if isLink {
            try machine.link("/etc/ksmd/ksmd.conf.d/a.conf", to: "/dev/null")
        } else {
            try machine.write("/etc/ksmd/ksmd.conf.d/a.conf", Data())
        }
        let configuration = try machine.load()
        #expect(configuration.settings == Settings())
        #expect(configuration.lines == [])
    }

    @Test(
        "other names in the directory are passed over",
        arguments: ["a.conf~", "a.conf.dpkg-old", ".a.conf", "README"]
    )
    func otherNames(_ name: String) throws {
        let machine = try Machine(["/etc/ksmd/ksmd.conf.d/\(name)": "[Scanner]\nBoostPages=1\n"])
        let configuration = try machine.load()
        #expect(configuration.settings == Settings())
        #expect(configuration.lines == [])
    }

    @Test("the old files are read, and ksmd.conf beats them")
    func oldFiles() throws {
        let machine = try Machine([
            "/etc/ksmd/ksmd.conf": "[Scanner]\nBoostPages=1\n",
            "/etc/ksmtuned.conf": "KSM_NPAGES_BOOST=2\nKSM_NPAGES_DECAY=-2\n",
            "/etc/default/ksm": "KSM_MAX_KERNEL_PAGES=3\n",
            "/etc/sysconfig/ksm": "KSM_MAX_KERNEL_PAGES=4\n",
        ])
        let configuration = try machine.load()
        #expect(configuration.classic.boostPages == 1)
        #expect(configuration.classic.decayPages == -2)
        #expect(configuration.settings.maxKernelPages == 4)
        #expect(configuration.classicBecauseOf?.description == "/etc/ksmtuned.conf:1")
    }

    @Test("a main file that is a directory is an error")
    func mainFileIsDirectory() throws {
        let machine = try Machine(["/etc/ksmd/ksmd.conf/x": "", "/usr/lib/ksmd/ksmd.conf": ""])
        #expect(throws: SystemError(operation: "read", path: "/etc/ksmd/ksmd.conf", errno: EISDIR)) {
            try machine.load()
        }
    }

    @Test("a main file that is a loop of links is an error")
    func mainFileIsLoop() throws {
        let machine = try Machine()
        try machine.link("/etc/ksmd/ksmd.conf", to: "ksmd.conf")
        #expect(throws: SystemError(operation: "open", path: "/etc/ksmd/ksmd.conf", errno: ELOOP)) {
            try machine.load()
        }
    }

    @Test("a main file that this user may not read is an error", .enabled(if: geteuid() != 0, "root reads everything"))
    func mainFileIsForbidden() throws {
        let machine = try Machine(["/etc/ksmd/ksmd.conf": ""])
        chmod(try machine.place("/etc/ksmd/ksmd.conf").path, 0)
        #expect(throws: SystemError(operation: "open", path: "/etc/ksmd/ksmd.conf", errno: EACCES)) {
            try machine.load()
        }
    }

    @Test("a main file above the limit is an error, at the limit none")
    func mainFileTooLarge() throws {
        let machine = try Machine()
        try machine.write("/etc/ksmd/ksmd.conf", Data(repeating: 0x0a, count: ConfigurationFiles.limit))
        #expect(try machine.load().lines == [])
        try machine.write("/etc/ksmd/ksmd.conf", Data(repeating: 0x0a, count: 10 << 20))
        #expect(throws: SystemError(operation: "read", path: "/etc/ksmd/ksmd.conf", errno: EFBIG)) {
            try machine.load()
        }
    }

    @Test("any other file that cannot be read is a warning")
    func otherFiles() throws {
        let machine = try Machine([
            "/etc/ksmd/ksmd.conf": "", "/etc/ksmtuned.conf/x": "",
            "/run/ksmd/ksmd.conf.d/b.conf": "[Scanner]\nBoostPages=1\n",
        ])
        try machine.write("/etc/ksmd/ksmd.conf.d/a.conf", Data(repeating: 0x0a, count: 10 << 20))
        try machine.link("/etc/ksmd/ksmd.conf.d/c.conf", to: "nowhere")
        mkfifo(try machine.place("/etc/ksmd/ksmd.conf.d/d.conf").path, 0o644)
        let configuration = try machine.load()
        #expect(configuration.classic.boostPages == 1)
        #expect(
            configuration.lines == [
                "/etc/ksmd/ksmd.conf.d/a.conf: cannot be read (File too large); it is ignored",
                "/etc/ksmd/ksmd.conf.d/c.conf: cannot be read (No such file or directory); it is ignored",
                "/etc/ksmd/ksmd.conf.d/d.conf: cannot be read (Illegal seek); it is ignored",
                "/etc/ksmtuned.conf: cannot be read (Is a directory); it is ignored",
            ]
        )
    }

    @Test("a file given by name is read alone, with relative and absolute paths")
    func onlyOne() throws {
        let machine = try Machine([
            "my.conf": "[Scanner]\nBoostPages=1\n", "ksmd.conf.d/a.conf": "[Scanner]\nBoostPages=2\n",
        ])
        let path = machine.url.appendingPathComponent("my.conf").path
        #expect(try ConfigurationFiles.load(only: path).classic.boostPages == 1)
        let up = String(repeating: "../", count: 40)
        let configuration = try ConfigurationFiles.load(only: up + path.dropFirst())
        #expect(configuration.settings == settings { $0.classic.boostPages = 1 })
    }

    @Test(
        "a file given by name can be an old one",
        arguments: [("ksmtuned.conf", 5, nil), ("ksm", 300, 7)] as [(String, Int64, UInt64?)]
    )
    func onlyOldOne(_ name: String, _ boost: Int64, _ pages: UInt64?) throws {
        let text = name == "ksm" ? "KSM_MAX_KERNEL_PAGES=7" : "KSM_NPAGES_BOOST=5"
        let machine = try Machine([name: text])
        let configuration = try ConfigurationFiles.load(only: machine.url.appendingPathComponent(name).path)
        #expect(configuration.classic.boostPages == boost)
        #expect(configuration.settings.maxKernelPages == pages)
        #expect(configuration.lines == [])
    }

    @Test("a file given by name must be there")
    func onlyMissing() throws {
        let path = "/nowhere/ksmd.conf"
        #expect(throws: SystemError(operation: "open", path: path, errno: ENOENT)) {
            try ConfigurationFiles.load(only: path)
        }
    }
}
