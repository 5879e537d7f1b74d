package import Foundation

/// A process of ours whose file is called like QEMU.
package final class StandIn {
    package let process = Process()
    package var pid: Int32 { process.processIdentifier }
    private let directory: URL
    private let input = Pipe()

    /// Starts it.
    ///
    /// - Parameters:
    ///   - name: as the guest is called.
    ///   - waits: a shell that becomes QEMU only when told, as libvirt's child does.
    package init(_ name: String, file: String = "qemu-system-x86_64", waits: Bool = false) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "ksmd-standin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let link = directory.appending(path: file)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(filePath: "/bin/sh"))
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        // A shell that waits for its standard input; what stands behind the command are its parameters.
        let arguments = ["-c", "read line", "-name", "guest=\(name)"]
        process.executableURL = waits ? URL(filePath: "/bin/sh") : link
        process.arguments =
            waits ? ["-c", "read line; exec \(link.path) -c 'read line' -name guest=\(name)"] : arguments
        try process.run()
    }

    /// Lets one that waits become QEMU.
    package func go() throws { try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }

    /// Kills it and waits for its end.
    package func end() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    deinit {
        end()
        try? FileManager.default.removeItem(at: directory)
    }
}
