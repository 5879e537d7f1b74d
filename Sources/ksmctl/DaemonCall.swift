import KSMClient
import KSMSystemd

/// The daemon on the bus, `org.ksmd1`; where it cannot be reached there are signals.
enum DaemonCall {
    private static let target = BusTarget(service: "org.ksmd1", path: "/org/ksmd1", interface: "org.ksmd1")

    /// How a call went.
    enum Answer {
        case done
        /// The daemon says why not.
        case refused(String)
        /// Nobody answers, or the bus lets nobody through.
        case unreachable
    }

    /// Calls a method without arguments, and never starts a daemon that does not run.
    static func call(_ method: String, milliseconds: UInt64) -> Answer {
        do throws(BusCallError) {
            let client = try BusClient(timeoutMilliseconds: milliseconds)
            try client.call(target, method, mayStart: false)
            return .done
        } catch {
            guard case .failed(let failure) = error, failure.name.hasPrefix("org.ksmd1.") else { return .unreachable }
            return .refused(failure.message)
        }
    }
}
