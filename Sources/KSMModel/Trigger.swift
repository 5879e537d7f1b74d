/// What made ksmd look and decide.
package enum Trigger: String, CaseIterable, Sendable {
    /// ksmd has started.
    case start
    /// The interval is over.
    case timer
    /// A guest came or went.
    case guest
    /// Tasks have waited for memory.
    case pressure
    /// `ksmctl retune`, SIGUSR1, or the hook of libvirt.
    case retune
    /// The configuration was read again.
    case reload
    /// An operator's start, stop, pause, resume, or a choice of scope or policy.
    case `operator`
    /// A process of ksmd's own has ended its work.
    case helper
    /// ksmd stops.
    case stop
}
