import Foundation
import KSMConfiguration
import KSMModel
import Testing

/// What was recorded from the real ksmtuned scripts: `ksmtuned-vectors.json` beside this file.
struct Vectors: Decodable {
    struct Machine: Decodable {
        var run: String
        var pages_to_scan: String
        var sleep_millisecs: String

        subscript(attribute: Attribute) -> String {
            get {
                switch attribute {
                case .run: run
                case .pages_to_scan: pages_to_scan
                default: sleep_millisecs
                }
            }
            set {
                switch attribute {
                case .run: run = newValue
                case .pages_to_scan: pages_to_scan = newValue
                default: sleep_millisecs = newValue
                }
            }
        }

        var values: [String] { [run, pages_to_scan, sleep_millisecs] }
    }

    struct Vector: Decodable, CustomTestStringConvertible {
        var id: String
        var variant: String
        var total: UInt64
        var free: UInt64
        var buffers: UInt64
        var cached: UInt64
        var guests: [UInt64]
        var npages: Int64
        var config: [String: String]
        var before: Machine
        var npages_after: Int64
        var writes: [String]
        var after: Machine
        var log_startup: [String]
        var log_tick: [String]

        var testDescription: String { id }

        /// The settings as ksmd reads them from a ksmtuned.conf with these lines; Proxmox ships other defaults.
        var settings: Settings {
            var lines = variant == "proxmox" ? ["KSM_PS_METRIC=pss", "KSM_SLEEP_MSEC=100"] : []
            lines += config.map { "\($0.key)=\($0.value)" }.sorted()
            let bytes = Array(lines.joined(separator: "\n").utf8)
            return Configuration.load(sources: [Source(path: "/etc/ksmtuned.conf", kind: .ksmtuned, bytes: bytes)])
                .settings
        }
    }

    struct Tick: Decodable {
        var free: UInt64
        var committed: UInt64
        var npages: Int64
        var after: Machine
        var log: [String]
    }

    struct Sequence: Decodable, CustomTestStringConvertible {
        var id: String
        var total: UInt64
        var before: Machine
        var ticks: [Tick]
        var testDescription: String { id }
    }

    struct Defect: Decodable {
        var id: String
        var total: UInt64
        var free: UInt64
        var committed: UInt64
        var npages: Int64
        var config: [String: String]
    }

    var vectors: [Vector]
    var sequences: [Sequence]
    var defects: [Defect]

    static let recorded: Vectors = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ksmtuned-vectors.json")
        do {
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
        } catch {
            fatalError("\(file.path): \(error)")
        }
    }()
}

extension Sample {
    /// A machine with this memory, and guests of these sizes, in KiB.
    init(
        total: UInt64,
        free: UInt64,
        buffers: UInt64 = 0,
        cached: UInt64 = 0,
        guests: [UInt64],
        metric: GuestMetric = .rss
    ) {
        self.init(monotonicNanoseconds: 0, pageSize: 4096)
        memory.memTotalKiB = total
        memory.memFreeKiB = free
        memory.buffersKiB = buffers
        memory.cachedKiB = cached
        self.guests = guests.enumerated().map { index, size in
            var guest = Guest(pid: Int32(100 + index), startTicks: 1, name: "vm\(index)", rssKiB: size)
            // With the PSS metric the resident size must not count.
            if metric == .pss { (guest.pssKiB, guest.rssKiB) = (size, size * 3) }
            return guest
        }
    }
}
