import KSMModel

/// The keys of [Events].
extension ConfigurationKey {
    static let events: [ConfigurationKey] = [
        ConfigurationKey(
            "Events",
            "Sources",
            .eventSources,
            .eventSources,
            unit: "words from kvm, cgroup, machined, exit and pressure, or none",
            "What makes ksmd look before its interval is over: KVM's messages, new cgroups, systemd-machined, a guest's"
                + " end, tasks that wait for memory; what a host does not have is left out."
        ),
        ConfigurationKey(
            "Events",
            "Cgroups",
            .watchedCgroups,
            .watchedCgroups,
            unit: "paths below the cgroup file system, separated by spaces",
            "Cgroups in which guests appear as new cgroups."
        ),
    ]
}

extension Codec {
    /// `Sources=`: a list of words; `none` stands alone.
    static let eventSources = Codec(
        parse: { text throws(ValueError) in
            let words = Value.list(text)
            if words == ["none"] { return Change { $0.eventSources = [] } }
            var sources: [EventSourceName] = []
            for word in words {
                let source: EventSourceName = try Value.word(word)
                if !sources.contains(source) { sources.append(source) }
            }
            return Change { [sources] in $0.eventSources = sources }
        },
        text: { $0.eventSources.isEmpty ? "none" : $0.eventSources.map(\.rawValue).joined(separator: " ") }
    )

    /// Each is a watch of its own: more than a few are a mistake.
    private static let maximumCgroups = 16
    /// The longest path of the kernel (PATH_MAX), less the mount point.
    private static let maximumCgroupLength = 4000

    /// `Cgroups=`: relative paths.
    static let watchedCgroups = Codec(
        parse: { text throws(ValueError) in
            let paths = Value.list(text).map { path in String(path.drop { $0 == "/" }) }
            guard paths.count <= maximumCgroups, paths.allSatisfy({ $0.utf8.count <= maximumCgroupLength }) else {
                throw ValueError(problem: "\(quoted(text)) is more than \(maximumCgroups) paths")
            }
            if let path = paths.first(where: { path in path.split(separator: "/").contains("..") || path.isEmpty }) {
                throw ValueError(problem: "\(quoted(path)) is no path below the cgroup file system")
            }
            return Change { $0.watchedCgroups = paths }
        },
        text: { $0.watchedCgroups.joined(separator: " ") }
    )
}
