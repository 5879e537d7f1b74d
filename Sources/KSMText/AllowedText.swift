package import KSMModel

extension AllowedPlaces {
    /// Parses the two lists of `/proc/PID/status`; a line that is missing or broken is `nil`.
    ///
    /// Source: task_cpus_allowed of fs/proc/array.c, cpuset_task_status_allowed of kernel/cgroup/cpuset.c.
    package static func parse(_ text: Span<UInt8>) -> AllowedPlaces {
        var places = AllowedPlaces()
        var next = 0
        while next < text.count {
            let line: ByteRange
            (line, next) = text.line(from: next)
            var position = line.lowerBound
            let key = text.word(in: line, from: &position)
            let value = text.word(in: line, from: &position)
            if value.isEmpty {
                continue
            } else if text.equals("Cpus_allowed_list:", in: key) {
                places.cpus = try? NodeList.parse(text, value, below: NodeList.cpuLimit)
            } else if text.equals("Mems_allowed_list:", in: key) {
                places.nodes = try? NodeList.parse(text, value, below: NodeList.limit)
            }
        }
        return places
    }
}
