/// The rule for the files in `/run/ksmd`: what one release has written, the one before and the one after can read.
///
/// 1. A file begins with the version of its format where it would do harm to lose or to misread it.
/// 2. What is only added (lines, members) leaves the version as it is: a reader passes over what it does not know, and a
///    program that writes the file again puts back what it did not know.
/// 3. What changes its meaning or goes raises the version, and a release that reads the new one comes before the first
///    that writes it. So a reader takes its own version and the one before.
/// 4. A newer version is refused with a sentence that says what happens instead, and the file stays as it is.
///
/// "State files" in docs/architecture.md says for each file what this means.
package enum FormatVersion {
    /// Whether a reader of version `own` understands a file of version `found`; the first is 1.
    package static func isReadable(_ found: UInt64, by own: UInt64) -> Bool {
        found >= 1 && found <= own && own - found <= 1
    }
}
