/// The kinds of journal entries, by the id in their `MESSAGE_ID` field.
///
/// The ids are random (made with `systemd-id128 new`) and never change: scripts, alerts and the message catalogue
/// select entries by them, whatever the wording of the message. sd_journal_send(3), "MESSAGE_ID".
package enum MessageID: String, CaseIterable, Sendable {
    /// ksmd has started: version, kernel, policy, what it found.
    case started = "f022fd284eb1467aa0b6db6598d0ac2a"
    /// ksmd has stopped, and why.
    case stopped = "f68234a9ed8b45b3ad29959885e99d4e"
    /// A decision has changed the kernel's settings.
    case decision = "321ba6da04bf407e89aad612fceabfc0"
    /// A decision has set the scanner thread going.
    case scanningStarted = "ee6c148f6c274932b1b92e0857c1bd94"
    /// A decision has stopped the scanner thread.
    case scanningStopped = "6cc30f8a127b42fcbf16fa00a159ef09"
    /// The kernel has refused a value, or the write has not come back in time.
    case writeFailed = "8623dea1e645455fab4df38d11b73e61"
    /// Somebody else has changed an attribute that ksmd had set.
    case foreignWrite = "86cb7016e343447c9bdb27ba9c72ce39"
    /// The kernel's advisor was on and has been set to `none`, or is left on by configuration.
    case advisorTakenOver = "032e12a90d504e8faa06324b935491a3"
    /// A line of the configuration is wrong, and a default is used in its place.
    case configurationWarning = "3f029ffa800d44f18bc53ba1b5e57dff"
    /// The settings from before ksmd are all back.
    case settingsRestored = "94fbf43ae126483e9669572c31287340"
    /// Some of the settings from before ksmd could not be put back yet; they are kept for later.
    case restoreIncomplete = "dd6013bd3cf542c98e6955774f00bad7"
    /// Tuning is held by the operator (`ksmctl stop`).
    case held = "3fecc7c6fde04338bc93288bf28f2d83"
    /// Tuning goes on by the operator's wish (`ksmctl start`).
    case released = "dc76d204509240008e55303850a2aa7e"
    /// A sample could not be taken, or only in part.
    case sampleProblem = "7201c66686824742a4adfa9d4f653497"
    /// The policy could not decide on a sample; the settings stay as they are.
    case policyError = "754833d509d94968bc8d63d53c1f3248"
    /// `merge_across_nodes` has been changed.
    case scopeChanged = "ca78d6c7976b42edb6fe7484f6357596"
    /// A change of `merge_across_nodes` was refused or given up, with the numbers.
    case scopeRefused = "51e86c5d9aae40378bb7e45cadfd2440"
    /// Everything that was merged has been un-shared.
    case unmerged = "57b5b69198474d438cce2f0271cad589"
    /// Un-sharing was refused, broken off or failed, with what was put back.
    case unmergeFailed = "1fd4139dbeed48e3aa794013c931d4b0"
    /// Memory would no longer hold it if guests stopped having equal pages.
    case exposed = "34ab74f210ec4c698bcc38b299425444"
    /// Guests write shared pages so fast that memory ends within the limit.
    case exposedSoon = "567b730444354a1c948bde6ff4dc85e9"
    /// A node that guests live on is short of memory, or is no longer.
    case nodeShort = "45e31320df634a9c88c7f6a42a9ee84d"
    /// Something on this machine is known to hurt memory merging on several nodes.
    case numaWarning = "1cf9f916e15f48aeb199fdbfd3ad8816"
    /// Tuning is paused by the operator, for a while or until resumed (`ksmctl pause`).
    case paused = "cee0c2ffaa0942f1b9e752a61bc0070d"
    /// A pause has ended, by its time or by the operator (`ksmctl resume`).
    case resumed = "a7514ace4b4c4f1f9b8b197220af993e"
    /// Un-sharing of everything that is merged has begun.
    case unmergingBegan = "c4a698fc459c4924abc3e3d39426c33b"
    /// Un-sharing has come to its end, whatever its outcome, and the guard is gone.
    case unmergingEnded = "10e32016d0f74b56b569d092b58dfe6a"
    /// What the last hour has brought: savings, cost, time in each state.
    case summary = "99f98bcda2e149b5a4212e4592e07c27"
    /// The policy has been changed over the bus, until ksmd starts again.
    case policyChanged = "9185ac9b7a434947a35904e1e3d64328"
    /// An event source is lost, or is back.
    case eventSource = "09f461a329db4f188614ee59f0fb98ae"
}
