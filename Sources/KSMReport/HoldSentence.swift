import KSMModel

extension StateReport.Hold {
    /// Who holds KSM and what ends it: `root said ksmctl pause until 2026-11-28 10:00:00 UTC (migration); …`.
    package var sentence: String {
        switch kind {
        case .stop: "\(by) said ksmctl stop; ksmctl start ends it"
        case .pause: "\(by) said ksmctl pause\(extent); ksmctl resume ends it"
        }
    }

    /// Until when and why, as far as that was said, with a space in front.
    var extent: String {
        let until = untilRealtimeSeconds.map { " until \(CivilTime(realtimeSeconds: $0))" } ?? ""
        return until + (reason.map { " (\($0))" } ?? "")
    }
}
