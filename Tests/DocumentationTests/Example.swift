import Foundation
import KSMModel
import KSMReport

/// Reports in which every member has a value.
enum Example {
    static var state: StateReport {
        var state = StateReport(pid: 77, daemonVersion: "0.1.0", policy: "classic")
        state.hold = StateReport.Hold(by: "root", sinceRealtimeSeconds: 1)
        state.written = [Write(.run, 1)]
        state.found = [Write(.run, 0)]
        state.foreign = [.pages_to_scan]
        state.guests = [StateReport.Guest(name: "web1", pid: 1234, startTicks: 5, rssBytes: 4096)]
        return state
    }

    static var statusJSON: String {
        var sample = Sample(monotonicNanoseconds: 0, pageSize: 4096)
        sample.ksm[.run] = .unsigned(1)
        sample.guests = [Guest(pid: 1234, startTicks: 5, name: "web1", rssKiB: 4)]
        var json = JSONWriter()
        StatusReport(sample: sample, daemon: .running(pid: 77), stateFile: state).write(to: &json)
        return json.text
    }

    static var attributesJSON: String {
        var json = JSONWriter()
        AttributeReport.write([.run], KSMAttributes([.run: .unsigned(1)]), to: &json)
        return json.text
    }
}

/// The names of members in JSON text.
enum JSONNames {
    /// All names, at any depth, in alphabetical order; those of attributes left out.
    static func all(in text: String) throws -> [String] {
        var names: Set<String> = []
        collect(try JSONSerialization.jsonObject(with: Data(text.utf8)), &names)
        return names.filter { Attribute(name: $0) == nil }.sorted()
    }

    private static func collect(_ value: Any, _ names: inout Set<String>) {
        if let object = value as? [String: Any] {
            names.formUnion(object.keys)
            for value in object.values { collect(value, &names) }
        } else if let list = value as? [Any] {
            for value in list { collect(value, &names) }
        }
    }
}
