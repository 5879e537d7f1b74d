import CLinux
import Glibc

/// One program, three roles: the demonstration, a guest of its own, and the short life before a child becomes another
/// program.
enum Role {
    /// - Returns: the exit status.
    static func run(_ arguments: [String]) -> Int32 {
        let name = arguments.first.map(baseName) ?? ""
        if name == EmbeddedGuest.programName { return EmbeddedGuest.run(arguments) }
        if arguments.count > 5, arguments[1] == Child.launchOption { return launch(Array(arguments.dropFirst(2))) }
        do {
            guard let options = try Options.parse(Array(arguments.dropFirst())) else {
                Screen.write(Options.help)
                return 0
            }
            return Demo(options).run()
        } catch {
            Screen.complain("ksmd-demo: \(error)\nTry ./run --help\n")
            return 2
        }
    }

    /// Ties this process to the demonstration and becomes the wanted program.
    ///
    /// That survives an exec.
    /// - Parameter words: pid of the demonstration, signal, program, `argv[0]` and the further arguments.
    private static func launch(_ words: [String]) -> Int32 {
        guard let parent = pid_t(words[0]), let signal = Int32(words[1]) else { return 2 }
        let failure = ksmd_die_with_parent(signal)
        guard failure == 0 else {
            Screen.complain("Failed to tie a process to the demonstration: \(Failure.text(failure))\n")
            return 126
        }
        // The demonstration may have ended before the call above.
        guard getppid() == parent else { return 126 }
        withCStrings(Array(words.dropFirst(3))) { _ = execvp(words[2], $0) }
        Screen.complain("Failed to start \(words[2]): \(Failure.text(errno))\n")
        return 127
    }

    private static func baseName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

/// Calls `body` with `words` as C wants arguments: pointers, the last one NULL.
func withCStrings<Value>(_ words: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value) -> Value {
    let copies: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return body(copies)
}
