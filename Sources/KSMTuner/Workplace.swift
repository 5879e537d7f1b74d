import Glibc
import KSMConfiguration
package import KSMKernel
package import KSMModel

/// What the daemon needs before it can work, each thing refused by name when it is not to be had.
package struct Workplace {
    package let root: KernelRoot
    package let settings: Settings
    /// The warnings of the configuration.
    package let warnings: [String]
    private let lock: InstanceLock?

    /// Opens the machine, reads the configuration, checks that KSM is there and can be written, and takes the lock.
    package init(_ options: DaemonOptions) throws(Refusal) {
        do {
            root = try KernelRoot(options.root)
        } catch {
            throw Refusal(description: error.description, status: ExitStatus.failure)
        }
        let configuration = try Workplace.configuration(root, options)
        settings = configuration.settings
        warnings = configuration.warnings.map(\.description)
        try Workplace.checkKSM(root, options)
        lock = options.dryRun ? nil : try Workplace.takeLock(root)
    }

    static func configuration(_ root: KernelRoot, _ options: DaemonOptions) throws(Refusal) -> Configuration {
        do {
            if let file = options.configFile { return try ConfigurationFiles.load(only: file) }
            return try ConfigurationFiles.load(root: root)
        } catch {
            throw Refusal(description: error.description, status: ExitStatus.configuration)
        }
    }

    private static func checkKSM(_ root: KernelRoot, _ options: DaemonOptions) throws(Refusal) {
        guard root.exists(KSMSysfs.path(.run)) else {
            throw Refusal(
                description: "This kernel has no KSM: \(KSMSysfs.path(.run)) is missing (CONFIG_KSM)",
                status: ExitStatus.unavailable
            )
        }
        guard !options.dryRun else { return }
        for attribute in [Attribute.run, .pages_to_scan, .sleep_millisecs] where root.exists(KSMSysfs.path(attribute)) {
            do {
                try root.checkWritable(KSMSysfs.path(attribute))
            } catch {
                throw Refusal(description: "\(error); ksmd must be able to set it", status: ExitStatus.noPermission)
            }
        }
    }

    private static func takeLock(_ root: KernelRoot) throws(Refusal) -> InstanceLock {
        do {
            return try InstanceLock(root)
        } catch {
            guard error.errno == EAGAIN || error.errno == EACCES, error.operation == "lock" else {
                throw Refusal(description: error.description, status: ExitStatus.failure)
            }
            let holder = ((try? InstanceLock.holder(root)) ?? nil).map { " with pid \($0)" } ?? ""
            throw Refusal(
                description: "Another ksmd is running\(holder) (\(InstanceLock.path) is locked)",
                status: ExitStatus.unavailable
            )
        }
    }

    /// Raises the soft limit of open files to the hard one: each guest takes up to four, and 2,000 guests are many.
    package static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
