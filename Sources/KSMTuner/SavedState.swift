package import KSMKernel
package import KSMModel
package import KSMText

/// The file that keeps what ksmd found, for the way back: `/run/ksmd/saved`.
///
/// Written before the first write to the kernel, and again before each attribute that ksmd writes for the first time,
/// so that a SIGKILL at any moment leaves what is needed to undo. Removed when all is restored.
package final class SavedState {
    package static let path = "/run/ksmd/saved"
    /// What the Unmerger found, while it works; a file that stays tells that it was killed.
    package static let unmergePath = "/run/ksmd/unmerge"
    /// A file of ours has about 600 bytes.
    private static let limit = 65_536

    package private(set) var settings: SavedSettings
    private let root: KernelRoot
    /// A dry run keeps the file as it is.
    private let isDryRun: Bool
    private let path: String

    /// Reads the file of this boot, if there is one, and completes it with the settings that are there now.
    ///
    /// A file of another boot is forgotten: the kernel has forgotten the settings too.
    /// - Throws: when the file cannot be read or is not one of ours; nothing may be changed then, since what would
    ///   be taken for found could be ksmd's own.
    package init(
        _ root: KernelRoot,
        current: KSMAttributes,
        isDryRun: Bool,
        path: String = SavedState.path
    ) throws(SavedStateError) {
        self.root = root
        self.isDryRun = isDryRun
        self.path = path
        let bootID = SavedState.bootID(root)
        let earlier = isDryRun ? (try? SavedState.read(root, path)) ?? nil : try SavedState.read(root, path)
        settings = earlier.flatMap { $0.bootID == bootID ? $0 : nil } ?? SavedSettings(bootID: bootID)
        settings.complete(from: current)
    }

    /// What the file holds; `nil` when there is none.
    package static func read(
        _ root: KernelRoot,
        _ path: String = SavedState.path
    ) throws(SavedStateError) -> SavedSettings? {
        let bytes: [UInt8]
        do {
            bytes = try root.readFile(path, limit: limit)
        } catch {
            if error.isAbsent { return nil }
            throw .system(error)
        }
        do {
            return try SavedSettings.parse(bytes.span)
        } catch {
            throw .text(path, error)
        }
    }

    /// What an Unmerger that works, or that was killed, has changed and has to put back; `nil` when there is none.
    ///
    /// - Throws: when the file cannot be read or understood: then nobody knows what was found.
    static func leftByUnmerger(_ root: KernelRoot) throws(SavedStateError) -> [SavedSettings.Entry]? {
        guard root.exists(unmergePath), let left = try read(root, unmergePath) else { return nil }
        guard left.bootID == bootID(root) else { return [] }
        let ours = left.entries.filter(\.isOurs)
        // What only a later version can put back waits for it.
        return ours.isEmpty && left.hasOurs ? nil : ours
    }

    /// The settings as they were before an Unmerger began: what it sets for the time of its work was not found.
    package static func beforeUnmerging(
        _ root: KernelRoot,
        _ current: KSMAttributes
    ) throws(SavedStateError) -> KSMAttributes {
        var before = current
        for entry in try leftByUnmerger(root) ?? [] {
            before[entry.attribute] = before[entry.attribute].flatMap { $0.replaced(by: entry.found) }
        }
        return before
    }

    /// The kernel's name for this boot; recorded machines without one are all the same boot.
    package static func bootID(_ root: KernelRoot) -> String {
        guard let bytes = try? root.readFile("/proc/sys/kernel/random/boot_id", limit: 128) else { return "unknown" }
        let text = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
        return text.isEmpty ? "unknown" : text
    }

    /// Notes that ksmd is about to write this attribute, on disk before it does.
    package func claim(_ attribute: Attribute) throws(SystemError) {
        if settings.claim(attribute) { try store() }
    }

    /// Notes that somebody else has taken this attribute.
    package func release(_ attribute: Attribute) throws(SystemError) {
        guard settings[attribute]?.isOurs == true else { return }
        settings.release(attribute)
        try store()
    }

    /// Lets go of what has come back: only `remaining` is kept, and the file goes when that is nothing.
    package func keepOnly(_ remaining: [Attribute]) throws(SystemError) {
        settings.entries.removeAll { !remaining.contains($0.attribute) }
        if settings.hasOurs { try store() } else if !isDryRun { try root.remove(path) }
    }

    /// Forgets what an Unmerger had found, which has come back.
    static func forgetUnmerger(_ root: KernelRoot) {
        let saved = try? SavedState(root, current: KSMAttributes(), isDryRun: false, path: unmergePath)
        try? saved?.keepOnly([])
    }

    private func store() throws(SystemError) {
        if isDryRun { return }
        try root.replaceFile(path, Array(settings.text.utf8))
    }
}

/// Why the saved settings could not be read.
package enum SavedStateError: Error, CustomStringConvertible {
    case system(SystemError)
    case text(String, TextError)

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .text(let path, let error): "Failed to parse \(path): \(error)"
        }
    }

    /// What happens instead, for behind the description.
    var consequence: String {
        switch self {
        case .system: "without what was found at first nothing may be changed"
        case .text:
            "KSM's settings and the file stay as they are (the ksmd that wrote it can put back what it found, with "
                + "--restore; without the file ksmd begins anew)"
        }
    }
}

extension Refusal {
    /// Without what was found at first ksmd changes nothing.
    init(_ error: SavedStateError) {
        let status = if case .text = error { ExitStatus.configuration } else { ExitStatus.failure }
        self.init(description: "\(error); \(error.consequence)", status: status)
    }
}
