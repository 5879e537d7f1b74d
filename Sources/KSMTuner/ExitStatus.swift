/// Exit statuses of ksmd and ksmctl (sysexits.h and systemd's conventions).
package enum ExitStatus {
    package static let success: Int32 = 0
    /// Something went wrong while running.
    package static let failure: Int32 = 1
    /// Wrong arguments.
    package static let usage: Int32 = 2
    /// ksmd is not running (ksmctl only; as systemctl).
    package static let notRunning: Int32 = 3
    /// EX_UNAVAILABLE: no KSM in this kernel, or another ksmd runs.
    package static let unavailable: Int32 = 69
    /// EX_NOPERM: the kernel's files cannot be written.
    package static let noPermission: Int32 = 77
    /// EX_CONFIG: the main configuration file cannot be read, or what an earlier ksmd has found cannot be understood.
    package static let configuration: Int32 = 78
}
