import Foundation

/// Files of `/run/ksmd` as other versions write them: `Tests/StateFiles`.
package enum StateFiles {
    /// Which version.
    package enum Version: String, CaseIterable, Sendable {
        /// The release before.
        case previous = "0.1.0"
        /// One that has added lines and members.
        case later
        /// One of a format that nobody knows yet.
        case incompatible
    }

    /// The boot that all of them are of.
    package static let bootID = "00000000-0000-4000-8000-000000000000"

    /// The text of a file.
    package static func text(_ name: String, of version: Version) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: tests.appending(path: "StateFiles/\(version.rawValue)/\(name)"), encoding: .utf8)
    }
}

extension FixtureMachine {
    /// Puts files of another version into this machine's `/run/ksmd`, in their boot.
    package func leave(_ names: String..., of version: StateFiles.Version) throws {
        try write("proc/sys/kernel/random/boot_id", StateFiles.bootID + "\n")
        for name in names { try write("run/ksmd/\(name)", try StateFiles.text(name, of: version)) }
    }

    /// All attributes of KSM, as they are now.
    package var ksm: [String: String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/sys/kernel/mm/ksm")) ?? []
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in self[name].map { (name, $0) } })
    }
}
