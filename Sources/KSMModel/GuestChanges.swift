/// Which guests came and which went between two looks.
package struct GuestChanges: Equatable, Sendable {
    /// Names, in the order of their pids.
    package var came: [String] = []
    /// Names, in the order of their pids.
    package var went: [String] = []

    package var isEmpty: Bool { came.isEmpty && went.isEmpty }

    /// Nothing has changed.
    package init() {}

    /// - Parameters:
    ///   - before: in the order of their pids.
    ///   - after: in the order of their pids; a process is the same if its start time is, too.
    package init(from before: [Guest], to after: [Guest]) {
        var old = before.startIndex
        var new = after.startIndex
        while old < before.endIndex || new < after.endIndex {
            let first = old < before.endIndex ? before[old] : nil
            let second = new < after.endIndex ? after[new] : nil
            if let first, let second, first.pid == second.pid, first.startTicks == second.startTicks {
                (old, new) = (old + 1, new + 1)
            } else if let first, first.pid <= second?.pid ?? .max {
                went.append(first.name)
                old += 1
            } else if let second {
                came.append(second.name)
                new += 1
            }
        }
    }

    /// Adds what changed later.
    package mutating func add(_ later: GuestChanges) {
        came += later.came
        went += later.went
    }

    /// `guest web-1 came`, `2 guests came, 1 went`; `nil` when nothing changed.
    package var sentence: String? {
        if went.isEmpty, came.count == 1 { return "guest \(came[0]) came" }
        if came.isEmpty, went.count == 1 { return "guest \(went[0]) went" }
        var parts: [String] = []
        if !came.isEmpty { parts.append("\(came.count) \(came.count == 1 ? "guest" : "guests") came") }
        if !went.isEmpty {
            parts.append("\(went.count) \(came.isEmpty ? went.count == 1 ? "guest " : "guests " : "")went")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
