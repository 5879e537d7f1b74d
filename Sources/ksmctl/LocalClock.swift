import CLinux
import Glibc
import KSMKernel
import KSMLog

/// The time zone of this process: `TZ`, or /etc/localtime.
enum LocalClock {
    /// localtime_r(3) for each moment; what it cannot tell is UTC.
    static func zone() -> LocalZone {
        tzset()
        return LocalZone { Int64(ksmd_seconds_ahead_of_utc(Int64(clamping: $0))) }
    }

    /// Microseconds since 1970.
    static func now() -> UInt64 { Clock.realtimeMicroseconds() }
}
