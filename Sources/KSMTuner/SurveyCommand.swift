import CLinux
import Glibc
package import KSMKernel
package import KSMModel
import KSMText

/// `ksmd --survey`: looks where guests' memory lies, prints it and ends.
///
/// Not for people: the daemon starts itself that way (`SurveyProbe`), because a look into a guest's page map waits for
/// that guest's mmap lock, unkillably in places.
package struct SurveyCommand: Equatable, Sendable {
    /// Empty: they come on standard input, a line each: pid and start in clock ticks.
    package var guests: [SurveyedGuest] = []
    package var budget = SurveyBudget()

    package init() {}

    /// The name of the process, of at most 15 bytes; nobody who looks for a `ksmd` finds it.
    static let processName = "ksmtuned-survey"
    /// A list of guests that is longer is cut: 2,000 guests take 50 kB.
    private static let longestList = 1 << 20
    /// What one guest's page map does to others' caches is kept away from work that matters.
    private static let niceness: Int32 = 19

    /// Runs it.
    ///
    /// - Returns: the exit status.
    package func run() -> Int32 {
        _ = ksmd_set_name(SurveyCommand.processName)
        // Whoever waits for the answer is gone when the parent is.
        _ = ksmd_die_with_parent(SIGKILL)
        _ = nice(SurveyCommand.niceness)
        guard ksmd_may_look_into_others() != 0 else { return ExitStatus.noPermission }
        do {
            let root = try KernelRoot()
            let guests = self.guests.isEmpty ? SurveyCommand.listed() : self.guests
            let survey = Surveyor(root, MergedPages(root)).survey(guests, budget)
            return SurveyCommand.put(survey.text) ? ExitStatus.success : ExitStatus.failure
        } catch {
            return ExitStatus.failure
        }
    }

    /// The list on standard input, which is a file or a pipe.
    private static func listed() -> [SurveyedGuest] {
        alarm(UInt32(SurveyProbe.patienceNanoseconds / 1_000_000_000))
        return SurveyedGuest.parse(list: PlainIO.readAll(STDIN_FILENO, limit: longestList).span)
    }

    private static func put(_ text: String) -> Bool {
        PlainIO.write(Array(text.utf8), to: STDOUT_FILENO)
    }
}
