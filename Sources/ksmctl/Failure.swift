import Glibc
import KSMKernel
import KSMReport
import KSMTuner

/// Why a command ends without success.
struct Failure: Error {
    /// One of `ExitStatus`.
    var status: Int32
    /// One line; empty where everything has been said on standard output.
    var message: String

    init(_ status: Int32, _ message: String = "") {
        self.status = status
        self.message = Human.plain(message)
    }

    /// An error of the system: no permission is 77, everything else 1.
    init(_ error: SystemError) {
        let isForbidden = error.errno == EACCES || error.errno == EPERM || error.errno == EROFS
        let remedy = isForbidden && geteuid() != 0 ? " (run it as root)" : ""
        self.init(isForbidden ? ExitStatus.noPermission : ExitStatus.failure, error.description + remedy)
    }

    /// The same failure with the only status that the old ksmctl had for it.
    var asOldKsmctl: Failure { Failure(ExitStatus.failure, message) }

    static let noKSM = Failure(
        ExitStatus.unavailable,
        "this kernel has no KSM: \(KSMSysfs.directory) is missing (CONFIG_KSM is off, or sysfs is not mounted)"
    )

    static let notRunning = Failure(ExitStatus.notRunning, "ksmd is not running")
}
