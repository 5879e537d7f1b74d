/// One change of a watched directory, as inotify(7) tells it.
package struct InotifyEvent: Equatable, Sendable {
    /// What happened, in the bits of include/uapi/linux/inotify.h.
    package struct Mask: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Something was made in the directory (IN_CREATE).
        package static let created = Mask(rawValue: 0x100)
        /// Something in the directory was removed (IN_DELETE).
        package static let deleted = Mask(rawValue: 0x200)
        /// The kernel had to drop events; this one belongs to no watch (IN_Q_OVERFLOW).
        package static let overflow = Mask(rawValue: 0x4000)
        /// The watch is no more: its directory has gone, or it was taken off (IN_IGNORED).
        package static let ignored = Mask(rawValue: 0x8000)
        /// What was made or removed is a directory (IN_ISDIR).
        package static let directory = Mask(rawValue: 0x4000_0000)
    }

    /// The number that adding the watch gave; -1 for an overflow.
    package var watch: Int32
    package var mask: Mask
    /// What it happened to, within the directory; empty when it is about the directory itself.
    package var name: String

    package init(watch: Int32, mask: Mask, name: String = "") {
        self.watch = watch
        self.mask = mask
        self.name = name
    }
}

/// What is read from an inotify descriptor: events, one behind the other.
package enum InotifyText {
    /// Bytes before the name: four numbers of four bytes each (struct inotify_event).
    static let header = 16

    /// Parses the event at `position`, which moves behind it; `nil` at the end, and for an event that is cut off.
    ///
    /// The kernel never cuts an event. A name is padded with NUL bytes.
    package static func next(_ text: Span<UInt8>, from position: inout Int) -> InotifyEvent? {
        guard position >= 0, position <= text.count, text.count - position >= header else { return nil }
        let length = Int(text.number(at: position + 12))
        guard length <= text.count - position - header else { return nil }
        let start = position + header
        var end = start
        while end < start + length, text[end] != 0 { end += 1 }
        let event = InotifyEvent(
            watch: Int32(bitPattern: text.number(at: position)),
            mask: InotifyEvent.Mask(rawValue: text.number(at: position + 4)),
            name: text.string(start..<end)
        )
        position = start + length
        return event
    }
}

extension Span<UInt8> {
    /// Four bytes in the machine's order.
    fileprivate func number(at position: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in (0..<4).reversed() { value = value << 8 | UInt32(self[position + offset]) }
        return UInt32(littleEndian: value)
    }
}
