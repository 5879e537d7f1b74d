import Glibc
package import KSMModel
package import KSMText

/// `/sys/kernel/mm/ksm`.
///
/// See Documentation/admin-guide/mm/ksm.rst.
package final class KSMSysfs {
    package static let directory = "/sys/kernel/mm/ksm"

    private let root: KernelRoot
    private let buffer: ReadBuffer
    /// Open attributes by raw value: -1 not yet opened, -2 absent on this kernel.
    ///
    /// Kept only on the running machine: a recorded file may be replaced.
    private var kept: [Int32]

    package init(_ root: KernelRoot, buffer: ReadBuffer) {
        self.root = root
        self.buffer = buffer
        kept = Array(repeating: -1, count: Attribute.allCases.count)
    }

    deinit {
        for descriptor in kept where descriptor >= 0 { close(descriptor) }
    }

    package static func path(_ attribute: Attribute) -> String { "\(directory)/\(attribute.name)" }

    /// Whether this kernel has KSM (CONFIG_KSM and sysfs mounted).
    package var isPresent: Bool { root.exists(KSMSysfs.path(.run)) }

    /// Reads every attribute; a missing file is `nil`, any other trouble goes to `problems`.
    package func readAll(problems: inout [String]) -> KSMAttributes {
        var result = KSMAttributes()
        for raw in 0..<kept.count {
            guard let attribute = Attribute(rawValue: raw) else { continue }
            do {
                result[attribute] = try read(attribute)
            } catch {
                problems.append(error.description)
            }
        }
        return result
    }

    /// Reads one attribute; `nil` when this kernel lacks it.
    package func read(_ attribute: Attribute) throws(AttributeError) -> AttributeValue? {
        if !root.isLive {
            do {
                let descriptor = try root.open(KSMSysfs.path(attribute))
                return try parse(descriptor.raw, attribute)
            } catch let error as SystemError {
                if error.isAbsent { return nil }
                throw .system(error)
            } catch let error as AttributeError {
                throw error
            } catch {
                return nil
            }
        }
        guard let descriptor = try keptDescriptor(attribute) else { return nil }
        defer { if KSMSysfs.seldom.contains(attribute) { forget(attribute) } }
        return try parse(descriptor, attribute)
    }

    /// Attributes that nobody changes while ksmd runs, and counters that decide nothing: they are opened anew for each
    /// read, 6 µs, and leave their descriptors to what has to be kept open.
    private static let seldom: Set<Attribute> = [
        .advisor_max_cpu, .advisor_min_pages_to_scan, .advisor_max_pages_to_scan, .advisor_target_scan_time,
        .stable_node_chains_prune_millisecs, .stable_node_chains, .stable_node_dups, .pages_skipped, .pages_volatile,
        .max_page_sharing,
    ]

    private func forget(_ attribute: Attribute) {
        close(kept[attribute.rawValue])
        kept[attribute.rawValue] = -1
    }

    private func keptDescriptor(_ attribute: Attribute) throws(AttributeError) -> Int32? {
        switch kept[attribute.rawValue] {
        case -2: return nil
        case -1:
            do {
                kept[attribute.rawValue] = try root.open(KSMSysfs.path(attribute)).take()
            } catch {
                guard error.isAbsent else { throw .system(error) }
                kept[attribute.rawValue] = -2
                return nil
            }
            return kept[attribute.rawValue]
        default: return kept[attribute.rawValue]
        }
    }

    private func parse(_ descriptor: Int32, _ attribute: Attribute) throws(AttributeError) -> AttributeValue {
        let parsed: Result<AttributeValue, TextError>
        do {
            parsed = try buffer.read(descriptor, path: KSMSysfs.path(attribute)) { text in
                do throws(TextError) { return .success(try AttributeValue.parse(text, as: attribute.format)) } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw .system(error)
        }
        switch parsed {
        case .success(let value): return value
        case .failure(let error): throw .text(attribute, error)
        }
    }

    /// Opens an attribute for one write.
    ///
    /// O_TRUNC matters only for recorded files; sysfs takes it and does nothing.
    ///
    /// - Throws: EPERM for any `run` but 0 and 1: 2 un-shares everything at once, and has a way of its own.
    package func openForWriting(_ attribute: Attribute, _ value: String) throws(SystemError) -> FileDescriptor {
        if attribute == .run, value != "0", value != "1" {
            throw SystemError(operation: "write \(value) to", path: KSMSysfs.path(.run), errno: EPERM)
        }
        return try root.open(KSMSysfs.path(attribute), O_WRONLY | O_TRUNC)
    }

    /// Opens `run` for the one write of 2 that un-shares everything.
    ///
    /// Only the Unmerger's guarded child writes it: after a plan that memory holds, under its lock.
    package func openForUnmerging() throws(SystemError) -> FileDescriptor {
        try root.open(KSMSysfs.path(.run), O_WRONLY)
    }

    /// Writes an attribute whose write cannot block (see `Attribute.writeCanBlock`); one write is one store.
    package func write(_ attribute: Attribute, _ value: String) throws(SystemError) {
        let descriptor = try openForWriting(attribute, value)
        let text = Array("\(value)\n".utf8)
        while true {
            let count = text.withUnsafeBytes { Glibc.write(descriptor.raw, $0.baseAddress, $0.count) }
            if count == text.count { return }
            if count < 0 && errno == EINTR { continue }
            throw SystemError(operation: "write", path: KSMSysfs.path(attribute), errno: count < 0 ? errno : EIO)
        }
    }
}

/// Why an attribute could not be read.
package enum AttributeError: Error, Equatable, CustomStringConvertible {
    case system(SystemError)
    case text(Attribute, TextError)

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .text(let attribute, let error): "Failed to parse \(KSMSysfs.path(attribute)): \(error)"
        }
    }
}
