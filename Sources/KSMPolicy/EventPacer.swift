/// When events become a look at the guests, and when an adjustment.
///
/// A burst of events is one look, and all that comes within `window` of an adjustment is one adjustment at its end: a
/// boost belongs to the time, not to the number of events. Times are microseconds of one monotonic clock.
package struct EventPacer {
    /// What is due.
    package enum Step: Equatable, Sendable {
        case look
        case adjust(Pressing)
    }

    /// What an adjustment is for.
    package enum Pressing: Equatable, Sendable {
        case guests, pressure
    }

    /// An event is followed by others: libvirt makes a cgroup some milliseconds before QEMU runs in it.
    ///
    /// 0.1 s is a tenth of what a new guest may take to be listed (control law).
    package static let settleMicroseconds: UInt64 = 100_000
    /// A new guest that no look has found yet is looked for once more: QEMU is there before it has its name.
    package static let secondLookMicroseconds: UInt64 = 600_000
    /// Retunes within this time of the last are the same adjustment.
    package static let windowMicroseconds: UInt64 = 2_000_000
    /// Pressure that lasts is one adjustment in this time, which the kernel's shortest average has too.
    package static let pressureWindowMicroseconds: UInt64 = 10_000_000

    private var looks: [UInt64] = []
    private var adjustment: (at: UInt64, for: Pressing)?
    private var lastAdjustment: UInt64?
    private var lastPressure: UInt64?

    package init() {}

    /// When something is due; `nil` while nothing is.
    package var next: UInt64? { [looks.first, adjustment?.at].compactMap(\.self).min() }

    /// Something has said that a guest may have come or gone.
    package mutating func noteEvent(at now: UInt64) {
        if looks.count < 2 { looks = [now + EventPacer.settleMicroseconds, now + EventPacer.secondLookMicroseconds] }
        // A burst that goes on moves only the last look.
        looks[looks.count - 1] = now + EventPacer.secondLookMicroseconds
    }

    /// A look has found that guests came or went.
    package mutating func noteChange(at now: UInt64) { plan(.guests, at: now) }

    /// Tasks have waited for memory.
    package mutating func notePressure(at now: UInt64) {
        if let lastPressure, now &- lastPressure < EventPacer.pressureWindowMicroseconds { return }
        lastPressure = now
        plan(.pressure, at: now)
    }

    /// The machine has been looked at and decided on because of an event, or because somebody asked.
    package mutating func noteAdjustment(at now: UInt64) {
        lastAdjustment = now
        adjustment = nil
    }

    /// The interval is over and a decision was made: what was pending is in it.
    package mutating func noteTick() { adjustment = nil }

    /// Whether an adjustment at this moment would be a second one within the window.
    package func isWithinWindow(at now: UInt64) -> Bool {
        lastAdjustment.map { now &- $0 < EventPacer.windowMicroseconds } ?? false
    }

    private mutating func plan(_ pressing: Pressing, at now: UInt64) {
        guard adjustment == nil else { return }
        let earliest = lastAdjustment.map { $0 + EventPacer.windowMicroseconds } ?? 0
        adjustment = (max(now, earliest), pressing)
    }

    /// Takes out what is due at `now`, an adjustment first.
    package mutating func take(at now: UInt64) -> Step? {
        if let due = adjustment, due.at <= now {
            adjustment = nil
            return .adjust(due.for)
        }
        guard let look = looks.first, look <= now else { return nil }
        looks.removeAll { $0 <= now }
        return .look
    }
}
