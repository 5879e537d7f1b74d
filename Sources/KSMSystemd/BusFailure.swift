/// An error as it travels over the bus: a name for programs, a sentence for people.
package struct BusFailure: Error, Equatable, Sendable {
    /// A dotted name, such as `org.ksmd1.Error.Held`.
    package let name: String
    /// What was wrong and what to do about it.
    package let message: String

    /// An error of the given name, which must have at least two parts.
    package init(name: String, message: String) {
        self.name = name
        self.message = message
    }

    /// The caller has sent something that the method cannot take.
    package static func invalidArguments(_ message: String) -> BusFailure { standard("InvalidArgs", message) }

    /// The caller may not do this.
    package static func accessDenied(_ message: String) -> BusFailure { standard("AccessDenied", message) }

    /// Something has failed that has no name of its own.
    package static func failed(_ message: String) -> BusFailure { standard("Failed", message) }

    /// One of the names of the D-Bus specification.
    static func standard(_ name: String, _ message: String) -> BusFailure {
        BusFailure(name: "org.freedesktop.DBus.Error." + name, message: message)
    }
}
