/// Finds the name that somebody meant.
package enum NearMiss {
    /// `; did you mean NAME?`, or nothing where no name is near.
    /// - Parameter format: how the name is printed.
    package static func suggestion(_ name: String, among names: [String], format: (String) -> String) -> String {
        guard let best = nearest(name, among: names) else { return "" }
        return "; did you mean \(format(best))?"
    }

    /// The same for a key of ksmd.conf: misspelt, in the wrong section, or under its name in ksmtuned.conf.
    static func suggestion(_ name: String, section: String) -> String {
        let here = ConfigurationKey.all.filter { $0.section == section }.map(\.name)
        if let best = nearest(name, among: here) { return "; did you mean \(best)=?" }
        let keys = ConfigurationKey.all
        let elsewhere = keys.first { $0.oldName == name } ?? keys.first { $0.name.lowercased() == name.lowercased() }
        guard let elsewhere else { return "" }
        return "; did you mean \(elsewhere.name)= in [\(elsewhere.section)]?"
    }

    /// The name with the fewest differences, case aside: at most two, in a short name one.
    static func nearest(_ name: String, among names: [String]) -> String? {
        guard name.utf8.count <= 40 else { return nil }
        let wanted = Array(name.lowercased().utf8)
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = distance(wanted, Array(candidate.lowercased().utf8))
            guard distance <= (candidate.utf8.count < 6 ? 1 : 2), distance < best?.distance ?? .max else { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    /// Insertions, removals and replacements that make one of the other (Levenshtein).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
