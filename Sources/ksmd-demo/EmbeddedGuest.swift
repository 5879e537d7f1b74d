import Glibc
import KSMKernel

/// A guest without a virtual machine: a process with the name and the memory of one.
enum EmbeddedGuest {
    /// The link under which this program becomes a guest: ksmd knows guests by `qemu-system-?*`.
    static let programName = "qemu-system-demo"

    /// The arguments that the demonstration starts a guest with.
    static func arguments(number: Int, mebibytes: Int) -> [String] {
        [programName, "-name", "guest=\(Fleet.guestName(number))", "-m", "\(mebibytes)", "-number", "\(number)"]
    }

    /// Fills the memory and keeps a part of it changing until a signal comes.
    /// - Returns: only when something is wrong.
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 7, let mebibytes = Int(arguments[4]), let number = UInt64(arguments[6]) else {
            Screen.complain("A guest of the ksmd demonstration; it is started by ./run\n")
            return 2
        }
        let pageSize = Int(GuestDirectory.pageSize)
        let mix = GuestMix(mebibytes: mebibytes, pageSize: pageSize)
        guard let memory = mergeableMemory(mix.pages * pageSize) else {
            Screen.complain("Failed to get mergeable memory: \(Failure.text(errno))\n")
            return 1
        }
        var pages = GuestPages(memory: memory, pageWords: pageSize / 8)
        pages.fill(mix, seed: number)
        while true {
            pages.change(mix, seed: number)
            usleep(200_000)
        }
    }

    /// Anonymous memory as QEMU asks for it (MADV_MERGEABLE), but never in huge pages: of those the kernel splits one
    /// per scan where their content is zero, and the demonstration is short.
    private static func mergeableMemory(_ length: Int) -> UnsafeMutableRawPointer? {
        let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return nil }
        _ = madvise(memory, length, Int32(MADV_NOHUGEPAGE))
        guard madvise(memory, length, Int32(MADV_MERGEABLE)) == 0 else { return nil }
        return memory
    }
}

/// The content of an embedded guest's memory: shared, zero, unique and changing pages, in this order.
private struct GuestPages {
    let memory: UnsafeMutableRawPointer
    /// 64-bit words in a page.
    let pageWords: Int
    private var round: UInt64 = 0

    init(memory: UnsafeMutableRawPointer, pageWords: Int) {
        self.memory = memory
        self.pageWords = pageWords
    }

    func fill(_ mix: GuestMix, seed: UInt64) {
        var page = 0
        for index in 0..<mix.sharedPages { write(page + index, seed: UInt64(index)) }
        page += mix.sharedPages
        memset(memory + page * pageWords * 8, 0, mix.zeroPages * pageWords * 8)
        page += mix.zeroPages
        // Different from the shared pages and from those of every other guest, of another demonstration too.
        let own = (seed << 56) ^ (UInt64(getpid()) << 32)
        for index in 0..<mix.uniquePages + mix.changingPages { write(page + index, seed: own ^ ~UInt64(index)) }
    }

    /// Makes every changing page differ from what it was and from all others.
    mutating func change(_ mix: GuestMix, seed: UInt64) {
        round += 1
        let first = mix.pages - mix.changingPages
        for page in first..<mix.pages {
            let place = memory + page * pageWords * 8
            place.storeBytes(of: mixed(UInt64(page) ^ (seed << 48) ^ (round << 24)), as: UInt64.self)
        }
    }

    private func write(_ page: Int, seed: UInt64) {
        let words = (memory + page * pageWords * 8).bindMemory(to: UInt64.self, capacity: pageWords)
        var state = mixed(seed)
        for index in 0..<pageWords {
            state &+= 0x9e37_79b9_7f4a_7c15
            words[index] = mixed(state)
        }
    }

    /// The finalizer of SplitMix64: no two numbers give the same result.
    private func mixed(_ value: UInt64) -> UInt64 {
        var x = value
        x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
        return x ^ (x >> 31)
    }
}
