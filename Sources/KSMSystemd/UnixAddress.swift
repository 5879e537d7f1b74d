package import Glibc

extension sockaddr_un {
    /// The address of a socket that is a file; unix(7).
    /// - Parameter path: a longer one than the 107 bytes that fit is cut, and then nobody is there.
    package init(path: String) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    }
}
