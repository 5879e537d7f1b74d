import Glibc
import KSMLog

/// The time zone of this process: `TZ`, or /etc/localtime.
enum LocalClock {
    /// localtime_r(3) for each moment; what it cannot tell is UTC.
    static func zone() -> LocalZone {
        tzset()
        return LocalZone { seconds in
            var time = time_t(clamping: seconds)
            var broken = tm()
            guard localtime_r(&time, &broken) != nil else { return 0 }
            return Int64(broken.tm_gmtoff)
        }
    }

    /// Microseconds since 1970.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }
}
