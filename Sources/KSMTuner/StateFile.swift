package import KSMKernel
package import KSMReport

/// `/run/ksmd/state.json`: what only the daemon knows, for everybody to read.
package final class StateFile {
    package static let path = "/" + StateReport.path
    private let root: KernelRoot
    private var writer = JSONWriter()

    package init(_ root: KernelRoot) {
        self.root = root
    }

    /// Replaces the file in one step.
    package func write(_ report: StateReport) throws(SystemError) {
        writer.reset()
        report.write(to: &writer)
        try root.replaceFile(StateFile.path, writer.bytes + [UInt8(ascii: "\n")])
    }

    package func remove() throws(SystemError) {
        try root.remove(StateFile.path)
    }
}
