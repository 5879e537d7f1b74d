import CFuzzer
import Glibc
import KSMFuzz

/// Feeds one parser with what libFuzzer makes up.
///
/// Which one, the environment says, because all arguments are libFuzzer's: `KSMD_FUZZ_TARGET=meminfo ksmd-fuzz
/// -max_total_time=600 CORPUS`.
enum Fuzz {
    private static let target: FuzzTarget? = getenv("KSMD_FUZZ_TARGET").flatMap {
        FuzzTarget(rawValue: String(cString: $0))
    }

    /// Returns only when there is nothing to do, or when all is done.
    static func run() -> Int32 {
        guard target != nil else {
            print("KSMD_FUZZ_TARGET is one of:", FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))
            return 2
        }
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        return LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            Fuzz.test(Array(UnsafeBufferPointer(start: start, count: count)))
            return 0
        }
    }

    private static func test(_ input: [UInt8]) {
        do {
            try target?.check(input)
        } catch {
            fatalError("\(error)")
        }
    }
}
