import CSystemd
import Glibc

/// Something that an `EventLoop` waits for.
package class EventSource {
    /// The sd-event source; `nil` once cancelled.
    fileprivate(set) var raw: OpaquePointer?
    fileprivate private(set) weak var loop: EventLoop?

    fileprivate init(loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        sd_event_source_disable_unref(raw)
    }

    /// Whether the handler will be called when the event comes.
    package final var isArmed: Bool {
        guard let raw else { return false }
        return sd_event_source_get_enabled(raw, nil) > 0
    }

    /// Takes the source out of its loop for good.
    ///
    /// Allowed in the source's own handler.
    package final func cancel() {
        raw = sd_event_source_disable_unref(raw)
        loop?.release(self)
    }

    /// What sd-event hands back to the callbacks.
    ///
    /// Valid because `deinit` takes the source out of sd-event.
    fileprivate final var userdata: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// Lower runs first among events that are due together.
    fileprivate final func setPriority(_ priority: Int64) throws(SystemdError) {
        try SystemdError.check("set an event's priority", sd_event_source_set_priority(raw, priority))
    }

    /// Lets go of a source that will not fire again.
    fileprivate final func releaseUnlessArmed() {
        if !isArmed { loop?.release(self) }
    }

    /// The source behind the userdata of a callback, alive until `body` ends even if the handler cancels it.
    fileprivate static func call<Source: EventSource>(
        _ userdata: UnsafeMutableRawPointer?,
        _ body: (Source) -> Void
    ) -> Int32 {
        guard let userdata else { return 0 }
        let source = Unmanaged<Source>.fromOpaque(userdata).takeUnretainedValue()
        withExtendedLifetime(source) { body(source) }
        return 0
    }
}

/// Priorities, from sd-event's important (-100) to normal (0): what somebody asks for comes before what is due anyway.
private enum Priority {
    static let signal: Int64 = -100
    static let child: Int64 = -50
    static let descriptor: Int64 = -10
    static let timer: Int64 = 0
}

/// A timer that fires once per arming, on the monotonic clock.
package final class TimerSource: EventSource {
    private let handler: (TimerSource) -> Void

    init(loop: EventLoop, handler: @escaping (TimerSource) -> Void) {
        self.handler = handler
        super.init(loop: loop)
    }

    func attach(deadline: UInt64, accuracy: UInt64) throws(SystemdError) {
        let result = sd_event_add_time(
            loop?.raw,
            &raw,
            CLOCK_MONOTONIC,
            deadline,
            accuracy,
            { _, _, userdata in EventSource.call(userdata) { (source: TimerSource) in source.fire() } },
            userdata
        )
        try SystemdError.check("add a timer", result)
        try setPriority(Priority.timer)
    }

    /// When the timer fires or last fired, in microseconds of `EventLoop.now()`; 0 once cancelled.
    package var deadline: UInt64 {
        var time: UInt64 = 0
        guard let raw, sd_event_source_get_time(raw, &time) >= 0 else { return 0 }
        return time
    }

    /// Arms the timer for a point of time in microseconds of `EventLoop.now()`; one that has passed fires at once.
    ///
    /// Replaces the deadline of a timer that is still armed. Does nothing once cancelled or when the loop has ended.
    package func rearm(at deadline: UInt64) {
        guard let raw, let loop, sd_event_source_set_time(raw, deadline) >= 0 else { return }
        guard sd_event_source_set_enabled(raw, Int32(SD_EVENT_ONESHOT)) >= 0 else { return }
        loop.keep(self)
    }

    /// Disarms the timer; `rearm(at:)` arms it again.
    package func disable() {
        sd_event_source_set_enabled(raw, Int32(SD_EVENT_OFF))
        releaseUnlessArmed()
    }

    private func fire() {
        handler(self)
        releaseUnlessArmed()
    }
}

/// A watched signal.
package final class SignalSource: EventSource {
    private let handler: () -> Void

    init(loop: EventLoop, handler: @escaping () -> Void) {
        self.handler = handler
        super.init(loop: loop)
    }

    func attach(signal: Int32) throws(SystemdError) {
        let result = sd_event_add_signal(
            loop?.raw,
            &raw,
            signal,
            { _, _, userdata in EventSource.call(userdata) { (source: SignalSource) in source.handler() } },
            userdata
        )
        try SystemdError.check("watch signal \(signal)", result)
        try setPriority(Priority.signal)
    }
}

/// How a child process ended.
package enum ChildEnd: Equatable, Sendable {
    case exited(code: Int32)
    case killed(signal: Int32)

    /// From what waitid(2) reports.
    fileprivate init(_ info: siginfo_t) {
        let status = info._sifields._sigchld.si_status
        self = info.si_code == Int32(CLD_EXITED) ? .exited(code: status) : .killed(signal: status)
    }
}

/// A watched child process.
package final class ChildSource: EventSource {
    private let handler: (ChildEnd) -> Void

    init(loop: EventLoop, handler: @escaping (ChildEnd) -> Void) {
        self.handler = handler
        super.init(loop: loop)
    }

    func attach(pid: Int32) throws(SystemdError) {
        let result = sd_event_add_child(
            loop?.raw,
            &raw,
            pid,
            WEXITED,
            { _, info, userdata in
                guard let end = info.map({ ChildEnd($0.pointee) }) else { return 0 }
                return EventSource.call(userdata) { (source: ChildSource) in source.ended(end) }
            },
            userdata
        )
        try SystemdError.check("watch child \(pid)", result)
        try setPriority(Priority.child)
    }

    private func ended(_ end: ChildEnd) {
        handler(end)
        releaseUnlessArmed()
    }
}

/// What can happen to a descriptor, in the bits of epoll_ctl(2).
package struct DescriptorEvents: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Something can be read (EPOLLIN).
    package static let readable = DescriptorEvents(rawValue: EPOLLIN.rawValue)
    /// Something exceptional: a pressure trigger has fired, a kernel file has changed (EPOLLPRI).
    package static let exceptional = DescriptorEvents(rawValue: EPOLLPRI.rawValue)
    /// An error; always reported (EPOLLERR).
    package static let error = DescriptorEvents(rawValue: EPOLLERR.rawValue)
    /// The other end is closed; always reported (EPOLLHUP).
    package static let hangUp = DescriptorEvents(rawValue: EPOLLHUP.rawValue)
}

/// A watched descriptor.
package final class DescriptorSource: EventSource {
    private let handler: (DescriptorSource, DescriptorEvents) -> Void

    init(loop: EventLoop, handler: @escaping (DescriptorSource, DescriptorEvents) -> Void) {
        self.handler = handler
        super.init(loop: loop)
    }

    func attach(descriptor: Int32, events: DescriptorEvents) throws(SystemdError) {
        let result = sd_event_add_io(
            loop?.raw,
            &raw,
            descriptor,
            events.rawValue,
            { _, _, revents, userdata in
                EventSource.call(userdata) { (source: DescriptorSource) in
                    source.handler(source, DescriptorEvents(rawValue: revents))
                }
            },
            userdata
        )
        try SystemdError.check("watch descriptor \(descriptor)", result)
        try setPriority(Priority.descriptor)
    }
}
