import CSystemd
import Glibc

/// An sd-event loop: waits for timers, signals, children and descriptors and calls their handlers, one at a time, on
/// the thread that runs it.
///
/// The loop keeps a source, and with it the handler, for as long as the source is armed. A one-shot source that has
/// fired and was not armed again belongs to whoever else holds it, and is freed if nobody does. Handlers that are due
/// together run in this order: signals, children, descriptors, timers. sd-event(3).
package final class EventLoop {
    let raw: OpaquePointer
    private var armed: [ObjectIdentifier: EventSource] = [:]

    /// Makes a loop without sources.
    package init() throws(SystemdError) {
        var event: OpaquePointer?
        try SystemdError.check("make an event loop", sd_event_new(&event))
        guard let event else { throw SystemdError(operation: "make an event loop", code: ENOMEM) }
        raw = event
    }

    deinit {
        for source in armed.values { source.cancel() }
        sd_event_unref(raw)
    }

    /// How many sources the loop keeps alive at the moment.
    package var armedSources: Int { armed.count }

    /// The monotonic clock (CLOCK_MONOTONIC), read now, in microseconds.
    ///
    /// It stands still while the machine sleeps.
    package func now() -> UInt64 { monotonicMicroseconds() }

    /// Runs handlers until `exit(code:)` is called, and returns its code.
    package func run() throws(SystemdError) -> Int32 {
        try SystemdError.check("run the event loop", sd_event_loop(raw))
    }

    /// Waits until at least one source is due, calls one handler and says whether it did.
    ///
    /// `timeoutMilliseconds` is the longest wait; 0 only looks, `nil` waits forever. Throws ESTALE once the loop has
    /// ended, and ECHILD in a forked child.
    package func runOnce(timeoutMilliseconds: UInt64?) throws(SystemdError) -> Bool {
        let limit = timeoutMilliseconds.map(microseconds(fromMilliseconds:)) ?? UInt64.max
        return try SystemdError.check("run the event loop once", sd_event_run(raw, limit)) > 0
    }

    /// Ends `run()` after the handler that is running now.
    ///
    /// Only the low eight bits of `code` count, as in exit(3).
    package func exit(code: Int32) {
        sd_event_exit(raw, code & 0xFF)
    }

    func keep(_ source: EventSource) { armed[ObjectIdentifier(source)] = source }
    func release(_ source: EventSource) { armed[ObjectIdentifier(source)] = nil }
}

// MARK: - Adding sources

extension EventLoop {
    /// Adds a timer that fires once, `afterMilliseconds` from now, and may be late by up to `accuracyMilliseconds`.
    ///
    /// The slack lets the kernel serve several timers with one wakeup. 0 is as exact as can be (to sd-event itself it
    /// would mean a quarter of a second). For a period the handler arms the source again at `source.deadline` plus the
    /// period; an interval counted from now would grow by the lateness of every tick.
    @discardableResult
    package func addTimer(
        afterMilliseconds: UInt64,
        accuracyMilliseconds: UInt64,
        handler: @escaping (TimerSource) -> Void
    ) throws(SystemdError) -> TimerSource {
        let source = TimerSource(loop: self, handler: handler)
        let deadline = now().addingSaturating(microseconds(fromMilliseconds: afterMilliseconds))
        let accuracy = min(max(1, microseconds(fromMilliseconds: accuracyMilliseconds)), .max - 1)
        try source.attach(deadline: deadline, accuracy: accuracy)
        keep(source)
        return source
    }

    /// Calls `handler` whenever `signal` has arrived; signals that arrive while one waits to be handled are one call.
    ///
    /// Blocks the signal in this thread and never unblocks it, so that it cannot kill the process later, when the loop
    /// has ended and things are being put back. A program started by this one inherits the mask and has to clear it.
    /// Throws EBUSY if the loop watches the signal already.
    @discardableResult
    package func addSignal(
        _ signal: Int32,
        handler: @escaping () -> Void
    ) throws(SystemdError) -> SignalSource {
        try block(signal)
        let source = SignalSource(loop: self, handler: handler)
        try source.attach(signal: signal)
        keep(source)
        return source
    }

    /// Calls `handler` once, when the child `pid` has ended, and reaps it.
    ///
    /// Blocks SIGCHLD, as sd-event requires. A child whose source is cancelled has to be reaped by other means.
    /// Throws ESRCH if there is no such process, and EBUSY if the loop watches it already.
    @discardableResult
    package func addChild(
        pid: Int32,
        handler: @escaping (ChildEnd) -> Void
    ) throws(SystemdError) -> ChildSource {
        try block(SIGCHLD)
        let source = ChildSource(loop: self, handler: handler)
        try source.attach(pid: pid)
        keep(source)
        return source
    }

    /// Calls `handler` whenever `descriptor` has one of `events`, again and again until it is read empty.
    ///
    /// End of file and errors are reported even if not asked for, so the handler has to cancel the source then. The
    /// descriptor stays the caller's and must be open as long as the source is. Throws EPERM for a regular file.
    @discardableResult
    package func addReadable(
        _ descriptor: Int32,
        events: DescriptorEvents = .readable,
        handler: @escaping (DescriptorSource, DescriptorEvents) -> Void
    ) throws(SystemdError) -> DescriptorSource {
        let source = DescriptorSource(loop: self, handler: handler)
        try source.attach(descriptor: descriptor, events: events)
        keep(source)
        return source
    }

    private func block(_ signal: Int32) throws(SystemdError) {
        var set = sigset_t()
        sigemptyset(&set)
        guard sigaddset(&set, signal) == 0 else {
            throw SystemdError(operation: "block signal \(signal)", code: errno)
        }
        let result = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard result == 0 else { throw SystemdError(operation: "block signal \(signal)", code: result) }
    }
}
