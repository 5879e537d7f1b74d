import KSMConfiguration

/// One text parser, fed with whatever bytes there are.
///
/// The name is also that of its corpus.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case attributeUnsigned = "attribute-unsigned"
    case attributeSigned = "attribute-signed"
    case attributeSelection = "attribute-selection"
    case meminfo
    case nodeMeminfo = "node-meminfo"
    case pressure
    case vmstat
    case processStat = "process-stat"
    case statm
    case processNumber = "process-number"
    case smapsRollup = "smaps-rollup"
    case ksmStat = "ksm-stat"
    case commandLine = "command-line"
    case excerpt
    case hold
    case nodeList = "node-list"
    case nodeDistance = "node-distance"
    case cgroup
    case cgroupNumber = "cgroup-number"
    case allowed
    case kernelFacts = "kernel-facts"
    case processMaps = "process-maps"
    case survey
    case surveyGuests = "survey-guests"
    case helperRequest = "helper-request"
    case savedSettings = "saved-settings"
    case uevent
    case inotify
    case timePoint = "time-point"
    case ksmdConf = "ksmd-conf"
    case ksmtunedConf = "ksmtuned-conf"
    case ksmDefault = "ksm-default"

    /// Parses `input` and checks what came out.
    ///
    /// Most checks hold the parser against a second, slower and simpler reading of the same bytes, or print the result
    /// and parse it again. A trap is left to whoever calls: the fuzzer, or the test that runs the corpus.
    package func check(_ input: [UInt8]) throws(Violation) {
        switch self {
        case .attributeUnsigned: try AttributeChecks.unsigned(input)
        case .attributeSigned: try AttributeChecks.signed(input)
        case .attributeSelection: try AttributeChecks.selection(input)
        case .meminfo: try MemoryChecks.meminfo(input)
        case .nodeMeminfo: try MemoryChecks.node(input)
        case .pressure: try MemoryChecks.pressure(input)
        case .vmstat: try MemoryChecks.vmstat(input)
        case .processStat: try ProcessChecks.stat(input)
        case .statm: try ProcessChecks.statm(input)
        case .processNumber: try ProcessChecks.number(input)
        case .smapsRollup: try ProcessChecks.smapsRollup(input)
        case .ksmStat: try ProcessChecks.ksmStat(input)
        case .commandLine: try ProcessChecks.commandLine(input)
        case .excerpt: try ExcerptChecks.excerpt(input)
        case .hold: try ExcerptChecks.hold(input)
        case .nodeList: try MemoryChecks.nodeList(input)
        case .nodeDistance: try MemoryChecks.distances(input)
        case .cgroup: try PlaceChecks.cgroup(input)
        case .cgroupNumber: try PlaceChecks.cgroupNumber(input)
        case .allowed: try PlaceChecks.allowed(input)
        case .kernelFacts: try PlaceChecks.kernel(input)
        case .processMaps: try SurveyChecks.maps(input)
        case .survey: try SurveyChecks.survey(input)
        case .surveyGuests: try SurveyChecks.guests(input)
        case .helperRequest: try SurveyChecks.request(input)
        case .savedSettings: try SavedSettingsChecks.saved(input)
        case .uevent: try EventChecks.uevent(input)
        case .inotify: try EventChecks.inotify(input)
        case .timePoint: try TimeChecks.timePoint(input)
        case .ksmdConf: try ConfigurationChecks.load(input, as: .main)
        case .ksmtunedConf: try ConfigurationChecks.load(input, as: .ksmtuned)
        case .ksmDefault: try ConfigurationChecks.load(input, as: .ksm)
        }
    }
}

/// What a parser made of its input is not what it should be.
package struct Violation: Error, CustomStringConvertible {
    package var description: String
}

/// Throws unless `condition` holds.
func ensure(_ condition: Bool, _ what: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description: what()) }
}

/// Throws unless the parser and the check see the same.
func same<Value: Equatable>(_ found: Value, _ wanted: Value, _ what: @autoclosure () -> String) throws(Violation) {
    if found != wanted { throw Violation(description: "\(what()): parsed \(found), and it is \(wanted)") }
}
