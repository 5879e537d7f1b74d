import Glibc
import KSMReport

/// Who gives the command.
enum Operator {
    /// The user behind sudo, else the user of this process.
    static func name() -> String {
        if let name = getenv("SUDO_USER") { return Human.plain(String(cString: name)) }
        guard let entry = getpwuid(geteuid()) else { return "user \(geteuid())" }
        return String(cString: entry.pointee.pw_name)
    }
}
