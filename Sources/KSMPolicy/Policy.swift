package import KSMModel

/// What decides: a sample in, a decision out.
///
/// No clock, no file, no log inside.
package protocol Policy {
    var name: PolicyName { get }
    /// Decides for what was seen. Time is `sample.monotonicNanoseconds`.
    mutating func step(_ sample: Sample) -> Decision
    /// Whether a step now, while tasks wait for memory, would make the scanner thread look harder.
    func answersPressure(_ memory: MemoryInfo) -> Bool
}
