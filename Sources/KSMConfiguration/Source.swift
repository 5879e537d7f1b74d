/// One configuration file, already read.
package struct Source: Equatable, Sendable {
    /// What the file is, which decides its syntax and its rank.
    package enum Kind: Sendable {
        /// `ksmd.conf`: systemd's syntax.
        case main
        /// A file of `ksmd.conf.d`: the same syntax, read after the main file.
        case dropIn
        /// `/etc/ksmtuned.conf`: shell assignments. ksmd.conf and its drop-ins win over it.
        case ksmtuned
        /// `/etc/default/ksm` or `/etc/sysconfig/ksm`: shell assignments, of which only `KSM_MAX_KERNEL_PAGES` counts
        /// (the old ksm.service reads these files as its environment; ksmtuned does not see them).
        case ksm
    }

    /// The name of the file as messages print it.
    package var path: String
    package var kind: Kind
    package var bytes: [UInt8]

    /// A file with all its bytes; sources of one kind are given in the order in which they are to be read.
    package init(path: String, kind: Kind, bytes: [UInt8]) {
        self.path = path
        self.kind = kind
        self.bytes = bytes
    }
}

/// Where a value comes from.
package enum Origin: Equatable, Sendable, CustomStringConvertible {
    /// No file sets it.
    case `default`
    /// A line, counted from 1; of a continued line the first.
    case line(path: String, number: Int)

    /// `default`, or `FILE:LINE`.
    package var description: String {
        switch self {
        case .default: "default"
        case .line(let path, let number): "\(printable(path, limit: .max)):\(number)"
        }
    }
}
