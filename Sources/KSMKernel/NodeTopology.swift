package import KSMModel
import KSMText

/// The machine's nodes with their CPUs and distances, from `/sys/devices/system/node`.
///
/// Three lists are read at every call, on kept descriptors; a node's own files only when one of the lists has changed.
/// The kernel makes those files from nothing else: `cpulist` has the CPUs that are online, `distance` the nodes that are
/// (node_read_cpumap, node_read_distance of drivers/base/node.c).
package final class NodeTopology {
    static let directory = "/sys/devices/system/node"

    private let root: KernelRoot
    private let buffer: ReadBuffer
    private let online: WatchedList
    private let memory: WatchedList
    private let cpus: WatchedList
    private var topology = Topology()
    /// Whether all files of all nodes could be read; otherwise they are read again next time.
    private var isComplete = false

    package init(_ root: KernelRoot, buffer: ReadBuffer) {
        self.root = root
        self.buffer = buffer
        online = WatchedList(root, "\(NodeTopology.directory)/online", below: NodeList.limit, buffer)
        memory = WatchedList(root, "\(NodeTopology.directory)/has_memory", below: NodeList.limit, buffer)
        cpus = WatchedList(root, "/sys/devices/system/cpu/online", below: NodeList.cpuLimit, buffer)
    }

    /// Nodes with memory as of the last `read`; empty where the kernel has no NUMA: then node 0 is the whole host.
    package var withMemory: [Int] { memory.numbers ?? online.numbers ?? [] }

    /// Reads what has changed.
    ///
    /// Without NUMA in the kernel, or without a list that can be read: one node, 0, with all CPUs, at distance 10.
    package func read(problems: inout [String]) -> Topology {
        let nodesChanged = online.refresh(problems: &problems)
        let memoryChanged = memory.refresh(problems: &problems)
        let cpusChanged = cpus.refresh(problems: &problems)
        if nodesChanged || memoryChanged || cpusChanged || !isComplete { rebuild(problems: &problems) }
        return topology
    }

    private func rebuild(problems: inout [String]) {
        // A node that came between the two reads has memory and is not yet on the first list.
        let numbers = Set(online.numbers ?? []).union(withMemory).sorted()
        isComplete = true
        guard !withMemory.isEmpty else {
            topology = Topology(nodes: [
                Node(number: 0, hasMemory: true, cpus: cpus.numbers ?? [], distances: [Node.localDistance])
            ])
            return
        }
        var nodes: [Node] = []
        for number in numbers {
            let cpus = list(number, "cpulist", problems: &problems) { text throws(TextError) in
                try NodeList.parse(text, below: NodeList.cpuLimit)
            }
            let distances = list(number, "distance", problems: &problems) { text throws(TextError) in
                try NodeDistances.parse(text)
            }
            let isWhole = distances?.count == numbers.count
            if cpus == nil || !isWhole { isComplete = false }
            nodes.append(
                Node(
                    number: number,
                    hasMemory: withMemory.contains(number),
                    cpus: cpus ?? [],
                    distances: isWhole ? distances ?? [] : []
                )
            )
        }
        topology = Topology(nodes: nodes)
    }

    /// The numbers in one file of a node; `nil` where it is missing (the node has just gone) or broken.
    private func list(
        _ node: Int,
        _ file: String,
        problems: inout [String],
        _ parse: (Span<UInt8>) throws(TextError) -> [Int]
    ) -> [Int]? {
        let path = "\(NodeTopology.directory)/node\(node)/\(file)"
        do throws(SystemError) {
            let descriptor = try root.open(path)
            switch try buffer.read(
                descriptor.raw,
                path: path,
                { text in Result { () throws(TextError) in try parse(text) } }
            ) {
            case .success(let numbers): return numbers
            case .failure(let error): problems.append("Failed to parse \(path): \(error)")
            }
        } catch {
            if !error.isAbsent { problems.append(error.description) }
        }
        return nil
    }
}

/// A file with a list of numbers that is read again and again and parsed only when its text has changed.
final class WatchedList {
    /// The numbers at the last reading; `nil` where the file is missing or broken.
    private(set) var numbers: [Int]?
    private let file: KeptFile
    private let limit: Int
    private var text: [UInt8]?
    private var problem: String?

    init(_ root: KernelRoot, _ path: String, below limit: Int, _ buffer: ReadBuffer) {
        file = KeptFile(root, path, buffer: buffer)
        self.limit = limit
    }

    /// Reads the file.
    /// - Returns: whether its text, or its being there, is another than last time.
    func refresh(problems: inout [String]) -> Bool {
        do {
            let changed = try file.read { take($0) }
            if let problem { problems.append(problem) }
            return changed
        } catch {
            if !error.isAbsent { problems.append(error.description) }
            let changed = text != nil
            text = nil
            numbers = nil
            problem = nil
            return changed
        }
    }

    private func take(_ bytes: Span<UInt8>) -> Bool {
        if let text, text.count == bytes.count, text.indices.allSatisfy({ text[$0] == bytes[$0] }) { return false }
        text = (0..<bytes.count).map { bytes[$0] }
        do throws(TextError) {
            numbers = try NodeList.parse(bytes, below: limit)
            problem = nil
        } catch {
            numbers = nil
            problem = "Failed to parse \(file.path): \(error)"
        }
        return true
    }
}
