package import KSMSystemd

/// A call over the bus that has brought no answer, or an error.
package enum BusCallError: Error, Equatable, Sendable {
    /// There is no bus, or it has not let us in, or it has gone.
    case noBus(SystemdError)
    /// Nobody on the bus has the name, and nobody was started for it.
    case noService(BusFailure)
    /// The caller may not do this, by the bus' policy or by the service's.
    case notPermitted(BusFailure)
    /// No answer came in time; what was asked may still be done.
    case noAnswer(BusFailure)
    /// The service has answered with an error.
    case failed(BusFailure)
    /// The answer has a value that is not expected there.
    case unexpectedAnswer

    /// From the error that came instead of an answer; its name says what it means.
    init(_ failure: BusFailure) {
        let standard = "org.freedesktop.DBus.Error."
        switch failure.name {
        case standard + "ServiceUnknown", standard + "NameHasNoOwner": self = .noService(failure)
        case standard + "AccessDenied", standard + "AuthFailed", standard + "InteractiveAuthorizationRequired":
            self = .notPermitted(failure)
        case standard + "NoReply", standard + "Timeout", standard + "TimedOut": self = .noAnswer(failure)
        default: self = failure.name.hasPrefix(standard + "Spawn.") ? .noService(failure) : .failed(failure)
        }
    }
}

extension BusCallError: CustomStringConvertible {
    /// One line without the error's name, for people.
    package var description: String {
        switch self {
        case .noBus(let error): error.description
        case .noService(let failure), .notPermitted(let failure), .noAnswer(let failure), .failed(let failure):
            failure.message.isEmpty ? failure.name : failure.message
        case .unexpectedAnswer: "the answer is not of the expected type"
        }
    }
}
