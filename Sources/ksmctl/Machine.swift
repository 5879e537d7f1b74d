import Glibc
import KSMConfiguration
import KSMKernel
import KSMModel
import KSMReport
import KSMTuner

/// The machine that a command works on, running or recorded, and the daemon on it.
struct Machine {
    let root: KernelRoot
    /// Trouble met on the way that is no reason to stop: a sentence each.
    private(set) var problems: [String] = []
    /// As configured, or the defaults where the configuration cannot be read.
    private(set) var settings = Settings()

    /// - Parameter directory: where a recorded machine is; `nil` is the running one.
    init(_ directory: String? = nil) throws {
        do {
            root = try KernelRoot(directory)
        } catch {
            throw Failure(directory == nil ? ExitStatus.failure : ExitStatus.usage, error.description)
        }
        do {
            settings = try ConfigurationFiles.load(root: root).settings
        } catch {
            problems.append("\(error); the defaults are used")
        }
    }

    /// Notes trouble that is no reason to stop.
    mutating func note(_ problem: String) {
        problems.append(problem)
    }

    /// Whether the daemon runs: it holds a lock while it does.
    mutating func daemon() -> StatusReport.Daemon {
        guard root.isLive else { return .recorded }
        do {
            return try InstanceLock.holder(root).map { .running(pid: $0) } ?? .notRunning
        } catch {
            problems.append(error.description)
            return .unknown
        }
    }

    /// The report of the daemon that runs, or ran; `nil` when there is none that can be used.
    mutating func stateFile() -> StateReport? {
        do {
            return try StateReader.read(root)
        } catch let error as SystemError {
            if !error.isAbsent { problems.append(error.description) }
        } catch {
            problems.append("\(error)")
        }
        return nil
    }

    /// CLOCK_REALTIME in seconds; of a recorded machine the moment of the record, if the record tells it.
    func realtimeSeconds() -> UInt64? {
        if root.isLive { return Clock.realtimeSeconds() }
        let uptime = text("/proc/uptime")?.split(separator: ".").first.flatMap { UInt64($0) }
        let lines = text("/proc/stat")?.split(separator: "\n") ?? []
        let boot = lines.first { $0.hasPrefix("btime ") }.flatMap { UInt64($0.dropFirst(6)) }
        guard let uptime, let boot else { return nil }
        return boot.addingReportingOverflow(uptime).partialValue
    }

    private func text(_ path: String) -> String? {
        // /proc/stat grows with the number of interrupts; a megabyte holds it on the largest machines.
        (try? root.readFile(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }
}
