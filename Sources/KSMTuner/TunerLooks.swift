import KSMKernel
package import KSMModel
import KSMPolicy

/// What the daemon asks between two ticks.
extension Tuner {
    /// Whether an operator has chosen a scope, or an un-sharing has ended, and no tick has taken that in.
    var isScopeWordNew: Bool { isUnmerging || ScopeOverride.read(root) != nodes.byHand }

    /// Looks which guests are there, without deciding anything.
    ///
    /// - Returns: whether some came or went since the last tick.
    package func lookAtGuests() -> Bool {
        let before = sample.guests
        guard sampler.lookAtGuests(&sample) else { return !unheard.isEmpty }
        unheard.add(GuestChanges(from: before, to: sample.guests))
        return !unheard.isEmpty
    }

    /// Tasks wait for memory: whether the policy would do something about it.
    package func isPressed() -> Bool {
        guard hold == nil, !isUnmerging else { return false }
        return policy.answersPressure(sampler.memory().host)
    }

    /// `/proc/pressure/memory` now.
    package func readPressure() -> PressureStall? { sampler.readPressure() }
}
