/// What can tell ksmd that something has happened, before its interval is over.
package enum EventSourceName: String, CaseIterable, Sendable {
    /// KVM's uevents: a virtual machine was created or destroyed (`virt/kvm/kvm_main.c`, kvm_uevent_notify_change).
    case kvm
    /// A cgroup was made or removed below the watched ones (inotify).
    case cgroup
    /// systemd-machined's signals MachineNew and MachineRemoved, on the bus.
    case machined
    /// A guest's process has ended (pidfd).
    case exit
    /// Tasks have waited for memory: a trigger of `/proc/pressure/memory`.
    case pressure

    /// Whether it is enough to hear of guests that come.
    ///
    /// A bus is there on many hosts where nobody tells systemd-machined of guests.
    package var tellsOfGuests: Bool {
        switch self {
        case .kvm, .cgroup: true
        case .machined, .exit, .pressure: false
        }
    }
}
