/// What ksmd found in the kernel before it changed anything.
package struct SavedSettings: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var attribute: Attribute
        /// The value found, as it is written.
        package var found: String
        /// ksmd has written this attribute (or is about to): it has to come back.
        ///
        /// What ksmd never wrote, and what somebody else has changed since, stays as it is.
        package var isOurs: Bool

        package init(_ attribute: Attribute, found: String, isOurs: Bool = false) {
            self.attribute = attribute
            self.found = found
            self.isOurs = isOurs
        }
    }

    /// A line of a later version, which this one does not understand.
    package struct UnknownLine: Equatable, Sendable {
        /// As it stands in the file.
        package var text: String
        /// Something that has to come back, and that only the later version can put back.
        package var isOurs: Bool

        package init(_ text: String, isOurs: Bool) {
            self.text = text
            self.isOurs = isOurs
        }
    }

    /// The version of the format that ksmd writes; see `FormatVersion`.
    package static let version: UInt64 = 1

    /// The boot these values belong to (`/proc/sys/kernel/random/boot_id`); the kernel forgets them at a reboot.
    package var bootID: String
    package var entries: [Entry]
    /// Goes back into the file, so that nothing that a later version has found is lost.
    package var unknown: [UnknownLine] = []

    package init(bootID: String, entries: [Entry] = []) {
        self.bootID = bootID
        self.entries = entries
    }

    package subscript(attribute: Attribute) -> Entry? {
        entries.first { $0.attribute == attribute }
    }

    /// Takes in every setting that has no entry yet.
    ///
    /// What is there already is never overwritten: it is older.
    package mutating func complete(from current: KSMAttributes) {
        for attribute in Attribute.settings where self[attribute] == nil {
            guard let value = current[attribute] else { continue }
            let text = attribute == .run ? String(current.run ?? 0) : value.description
            entries.append(Entry(attribute, found: text))
        }
    }

    /// Marks an attribute as written by ksmd.
    ///
    /// - Returns: whether that was news.
    package mutating func claim(_ attribute: Attribute) -> Bool {
        guard let index = entries.firstIndex(where: { $0.attribute == attribute }), !entries[index].isOurs else {
            return false
        }
        entries[index].isOurs = true
        return true
    }

    /// Lets go of an attribute that somebody else has taken: it will not be put back.
    package mutating func release(_ attribute: Attribute) {
        guard let index = entries.firstIndex(where: { $0.attribute == attribute }) else { return }
        entries[index].isOurs = false
    }

    /// Whether something still has to come back.
    package var hasOurs: Bool { entries.contains { $0.isOurs } || unknown.contains { $0.isOurs } }
}
