package import Foundation

/// A message bus of its own, at a socket in a temporary directory, that any user may use.
package final class BusDaemon {
    /// Whether it can be started.
    package static let canRun = FileManager.default.isExecutableFile(atPath: "/usr/bin/dbus-daemon")

    /// The directory of its socket and of its files for services that can be started.
    package let directory: URL
    /// The address of its socket.
    package var address: String { "unix:path=" + directory.appending(path: "bus").path }
    private var program: Program?

    /// Starts it and waits until it listens.
    package init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "ksmd-bus-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Starts it again, at the same address.
    package func start() throws {
        let file = directory.appending(path: "bus.conf")
        try Data(configuration.utf8).write(to: file)
        // timeout: a crash of the tests must not leave it behind for ever.
        let words = ["300", "dbus-daemon", "--nofork", "--nopidfile", "--print-pid=1", "--config-file=" + file.path]
        program = try Program("/usr/bin/timeout", words)
        guard eventually(condition: { pid != nil }) else { throw CocoaError(.executableNotLoadable) }
    }

    private func eventually(condition: () -> Bool) -> Bool { KSMTestSupport.eventually(10, condition) }

    /// Its process, once it listens.
    package var pid: Int32? {
        program.flatMap { Int32($0.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// Kills it, and waits until it is gone.
    package func stop() {
        if let pid { kill(pid, SIGKILL) }
        program?.wait()
        program = nil
    }

    /// Makes a service that the bus starts when it is called, and that fails at once.
    package func addService(_ name: String) throws {
        let text = "[D-BUS Service]\nName=\(name)\nExec=/bin/sh -c 'touch \(directory.path)/started; exit 1'\n"
        try Data(text.utf8).write(to: directory.appending(path: name + ".service"))
        if let pid { kill(pid, SIGHUP) }
    }

    /// Whether the bus has started a service of `addService`.
    package var hasStartedService: Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: "started").path)
    }

    /// Everybody may do everything, but nobody may have the name `org.forbidden`.
    ///
    /// By itself the bus refuses more than 128 calls of one program at a time.
    private var configuration: String {
        """
        <busconfig>
          <type>session</type>
          <listen>\(address)</listen>
          <auth>EXTERNAL</auth>
          <servicedir>\(directory.path)</servicedir>
          <limit name="max_replies_per_connection">50000</limit>
          <policy context="default">
            <allow user="*"/>
            <allow own="*"/>
            <deny own="org.forbidden"/>
            <allow send_destination="*"/>
            <allow send_type="signal"/>
            <allow receive_sender="*"/>
          </policy>
        </busconfig>

        """
    }
}
