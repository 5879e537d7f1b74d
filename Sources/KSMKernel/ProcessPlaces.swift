package import KSMModel
import KSMText

/// Where processes may run and take memory from: which nodes ksmd itself cannot reach.
package enum ProcessPlaces {
    /// Reads the two lists of `/proc/PID/status`.
    /// - Parameter pid: `nil` is this process.
    /// - Throws: ESRCH or ENOENT when the process has gone.
    package static func read(_ root: KernelRoot, pid: Int32? = nil) throws(SystemError) -> AllowedPlaces {
        let path = pid.map { "/proc/\($0)/status" } ?? "/proc/self/status"
        // About 1.5 KiB, and two bitmaps of at most 8,192 CPUs and 1,024 nodes.
        let bytes = try root.readFile(path, limit: 32_768)
        return AllowedPlaces.parse(bytes.span)
    }
}
