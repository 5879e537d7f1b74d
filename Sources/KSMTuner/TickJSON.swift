import Glibc
package import KSMModel
package import KSMReport

/// The line that `ksmd --json` prints for each tick.
package enum TickJSON {
    /// One object on one line.
    ///
    /// `{"tick":1,"policy":"classic","writes":[["pages_to_scan","300"]],"reason":"…"}`
    ///
    /// `writes` is what the policy asks for, in order, whether or not the value is there already.
    /// - Parameter numa: where `numa` is wanted: the decision about the scope, and which node is short.
    package static func text(
        tick: UInt64,
        policy: PolicyName,
        _ decision: Decision,
        numa: (scope: StateReport.NUMA.Scope?, activation: StateReport.NUMA.Activation?)? = nil
    ) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("tick", tick)
            json.member("policy", policy.rawValue)
            json.array("writes") { json in
                for write in decision.writes {
                    json.array { json in
                        json.element(write.attribute.name)
                        json.element(write.value)
                    }
                }
            }
            json.member("reason", decision.reason.sentence)
            json.member("reason_code", decision.reason.code)
            guard let numa else { return }
            json.object("numa") { json in
                json.optional("scope", numa.scope) { $0.writeMembers(to: &$1) }
                json.optional("activation", numa.activation) { $0.writeMembers(to: &$1) }
            }
        }
        return json.text
    }

    /// Prints one line on standard output.
    ///
    /// - Returns: false when nobody reads it any more.
    package static func print(_ line: String) -> Bool {
        let bytes = Array((line + "\n").utf8)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(STDOUT_FILENO, $0.baseAddress.map { $0 + offset }, $0.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            offset += count
        }
        return true
    }
}
