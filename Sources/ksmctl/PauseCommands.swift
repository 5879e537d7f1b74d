import ArgumentParser
import KSMConfiguration
import KSMKernel
import KSMLog
import KSMModel
import KSMReport
import KSMText
import KSMTuner

/// `ksmctl pause`.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let KSM stand for a while: nothing is scanned, nothing un-shared, what is merged stays.",
        discussion: "It ends by itself, after an hour if nothing else is said, or with `resume`."
    )

    @OptionGroup var output: OutputOptions

    @Option(name: .customLong("for"), help: ArgumentHelp("How long, such as 2h or 90min.", valueName: "span"))
    var span: String?

    @Option(
        name: .customLong("until"),
        help: ArgumentHelp(
            "Until when, such as 18:00, tomorrow or '2026-11-30 08:00'; systemd.time(7).",
            valueName: "time"
        )
    )
    var until: String?

    @Argument(help: ArgumentHelp("Why, for status and journal.", valueName: "reason"))
    var reason: [String] = []

    /// A pause that nobody ends and nobody limited: long enough for a migration, short enough to be forgotten.
    private static let usualMicroseconds: UInt64 = 3_600_000_000

    func validate() throws {
        if span != nil, until != nil { throw ValidationError("'--for' and '--until' exclude each other") }
        let text = reason.joined(separator: " ")
        if text.utf8.count > HoldText.longestReason {
            throw ValidationError("the reason has \(text.utf8.count) bytes, \(HoldText.longestReason) are kept")
        }
    }

    func run() throws {
        let control = try Control()
        let end = try end(now: LocalClock.now()) / 1_000_000
        guard let daemon = try control.daemon() else { throw Failure.notRunning }
        var hold = StateReport.Hold(.pause, by: Operator.name(), sinceRealtimeSeconds: Clock.realtimeSeconds())
        hold.untilRealtimeSeconds = end
        let text = Human.plain(reason.joined(separator: " "))
        hold.reason = text.isEmpty ? nil : text
        do throws(SystemError) { try Hold.write(control.root, hold) } catch { throw Failure(error) }
        let report = try control.retune(daemon)
        let time = LocalClock.zone().civil(realtimeSeconds: end).text(between: " ")
        ControlResult(
            daemon: daemon,
            report: report,
            run: control.run(),
            sentence: "KSM is paused until \(time); `ksmctl resume` ends it. What is merged stays merged."
        ).print(output)
    }

    /// Microseconds since 1970.
    private func end(now: UInt64) throws -> UInt64 {
        if let until {
            let end: UInt64
            do throws(TimePointError) {
                end = try TimePoint.parse(until, now: now, zone: LocalClock.zone())
            } catch {
                throw ValidationError("--until: \(error)")
            }
            guard end / 1_000_000 > now / 1_000_000 else { throw ValidationError("--until: \(until) is over") }
            return end
        }
        guard let span else { return now + PauseCommand.usualMicroseconds }
        guard let length = try? TimeSpan.microseconds(span) else {
            throw ValidationError("--for: \"\(span)\" is no time span such as 2h or 90min")
        }
        let (end, overflow) = now.addingReportingOverflow(length)
        guard length >= 1_000_000, !overflow, end <= TimePoint.latest else {
            throw ValidationError("--for: \(span) is not between a second and the year 10000")
        }
        return end
    }
}

/// `ksmctl resume`.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "End a `pause` before its time."
    )

    @OptionGroup var output: OutputOptions

    func run() throws {
        let control = try Control()
        let wasPaused = Hold.read(control.root, .pause) != nil
        do throws(SystemError) { try Hold.resume(control.root) } catch { throw Failure(error) }
        guard let daemon = try control.daemon() else {
            guard wasPaused else { throw Failure.notRunning }
            let rest =
                control.root.exists(SavedState.path)
                ? "; `ksmd --restore` puts back the settings that it had found" : ""
            let sentence = "The pause has ended; ksmd is not running\(rest)."
            return ControlResult(run: control.run(), sentence: sentence).print(output)
        }
        let report = try control.retune(daemon)
        let sentence = wasPaused ? RetuneCommand.sentence(daemon, report) : "KSM was not paused."
        ControlResult(daemon: daemon, report: report, run: control.run(), sentence: sentence).print(output)
    }
}

/// `ksmctl reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Let ksmd read its configuration again."
    )

    @OptionGroup var output: OutputOptions

    func run() throws {
        let control = try Control()
        guard let daemon = try control.daemon() else { throw Failure.notRunning }
        let report = try control.reload(daemon)
        ControlResult(
            daemon: daemon,
            report: report,
            run: control.run(),
            sentence: RetuneCommand.sentence(daemon, report)
        ).print(output)
    }
}
