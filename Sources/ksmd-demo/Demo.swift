import Glibc
import KSMKernel
import KSMModel
import KSMReport

/// The demonstration from beginning to end: guests, ksmd, the display, and everything put back.
final class Demo {
    private let options: Options
    private let signals = Signals()
    private let display = Display()

    init(_ options: Options) {
        self.options = options
    }

    /// - Returns: the exit status: 0, 1 after trouble, 128 + the signal that ended it.
    func run() -> Int32 {
        do {
            let directory = try Files.makeTemporaryDirectory()
            defer { Files.removeTree(directory) }
            return run(try Machine.choose(options, directory: directory), directory)
        } catch {
            Screen.complain("\(error)\n")
            return 1
        }
    }

    private func run(_ machine: Machine, _ directory: String) -> Int32 {
        let show = Show(machine, options, signals, display, directory: directory)
        var status: Int32 = 0
        do {
            status = try show.run()
        } catch {
            display.settle()
            Screen.complain("\(error)\n")
            status = 1
        }
        return show.finish() ? status : max(status, 1)
    }
}

/// What runs between the first line and the summary.
final class Show {
    private let machine: Machine
    private let options: Options
    private let signals: Signals
    private let display: Display
    private let directory: String

    private var fleet: Fleet?
    private var tuner: TunerProcess?
    private var watchesOnly = false
    private var meter: Meter?
    private var lastPicture: Picture?

    init(_ machine: Machine, _ options: Options, _ signals: Signals, _ display: Display, directory: String) {
        self.machine = machine
        self.options = options
        self.signals = signals
        self.display = display
        self.directory = directory
    }

    /// Starts everything and shows it until the time is over or a signal comes.
    /// - Returns: 0, or 128 + the signal.
    func run() throws(Failure) -> Int32 {
        let first = machine.sample()
        if machine.root == nil, let pid = Search.otherTuner() {
            Screen.write("A tuner runs already (pid \(pid)): this only watches.\n\n")
            watchesOnly = true
            fleet = Fleet(.existing, count: first.guests.count)
            tuner = .watch(pid)
        } else {
            if let signal = try startGuests(first) { return 128 + signal }
            Screen.write(TunerProcess.explanation + "\n")
            meter = Meter(first, countsFromStart: fleet?.isOwn ?? false)
            tuner = try TunerProcess.start(directory: directory, root: machine.root)
        }
        if meter == nil { meter = Meter(first, countsFromStart: false) }
        return try watch()
    }

    // MARK: Guests

    /// - Returns: a signal that came while guests were starting.
    private func startGuests(_ sample: Sample) throws(Failure) -> Int32? {
        if let simulator = machine.simulator {
            let count = options.guests ?? 4
            fleet = Fleet(.simulated(simulator.mix), count: count)
            Screen.write("Guests: \(count) simulated ones of 512 MiB.\n")
        } else if let wanted = options.guests {
            return try startVirtualMachines(wanted, sample)
        } else if !sample.guests.isEmpty {
            fleet = Fleet(.existing, count: sample.guests.count)
            Screen.write("Guests: \(Human.count(sample.guests.count, "guest")) on this machine.\n")
        } else {
            let fleet = try Fleet.startEmbedded(directory: directory, sample.memory)
            self.fleet = fleet
            Screen.write(
                """
                Guests: none on this machine, so these \(fleet.count) are embedded: processes with memory
                like that of virtual machines, part of it equal in all of them, part zero,
                part unique, part changing all the time.

                """
            )
        }
        return nil
    }

    private func startVirtualMachines(_ wanted: Int, _ sample: Sample) throws(Failure) -> Int32? {
        let count = VirtualMachines.affordable(wanted, sample.memory)
        guard count > 0 else { throw Failure("Too little memory for a virtual machine") }
        let fewer = count < wanted ? ", not \(wanted): memory is short" : ""
        Screen.write("Guests: \(Human.count(count, "virtual machine")) (QEMU, emulated)\(fewer). They boot.\n")
        let machines = try VirtualMachines(directory: directory)
        let fleet = try machines.start(count)
        self.fleet = fleet
        let start = Clock.monotonicNanoseconds()
        var seconds = 0
        while true {
            seconds = Int((Clock.monotonicNanoseconds() - start) / 1_000_000_000)
            let ready = machines.ready(count)
            guard display.notice("\(ready) of \(count) are up after \(seconds) s") else { return SIGPIPE }
            if ready == count { break }
            if let signal = signals.wait(milliseconds: 200) { return signal }
            try check(fleet)
            if seconds >= VirtualMachines.bootSeconds {
                throw Failure("Only \(ready) of \(count) virtual machines were up after \(seconds) s")
            }
        }
        if !Screen.isTerminal { Screen.write("All are up after \(seconds) s.\n") }
        display.settle()
        return nil
    }

    private func check(_ fleet: Fleet) throws(Failure) {
        guard let guest = fleet.casualty else { return }
        throw Failure("A guest has \(guest.obituary)")
    }

    // MARK: Watching

    private func watch() throws(Failure) -> Int32 {
        let start = Clock.monotonicNanoseconds()
        var shown = -1
        while true {
            let elapsed = Int((Clock.monotonicNanoseconds() - start) / 1_000_000_000)
            if elapsed > shown {
                shown = elapsed
                guard show(elapsed) else { return 128 + SIGPIPE }
            }
            if elapsed >= options.seconds { break }
            if let failure = tuner?.failure { throw failure }
            if let fleet { try check(fleet) }
            machine.simulator?.step()
            if let signal = signals.wait(milliseconds: 200) {
                display.settle()
                Screen.write("\nInterrupted.\n")
                return 128 + signal
            }
        }
        return 0
    }

    private func show(_ elapsed: Int) -> Bool {
        let sample = machine.sample()
        guard var picture = meter?.picture(sample) else { return true }
        picture.elapsedSeconds = elapsed
        picture.totalSeconds = options.seconds
        picture.attainableBytes = fleet?.attainableBytes(sample.ksm, pageSize: sample.pageSize) ?? nil
        picture.account = tuner?.account
        lastPicture = picture
        return display.show(picture)
    }

    // MARK: The end

    /// Ends what was started, puts back what was found, and prints the summary.
    /// - Returns: whether all is as before.
    func finish() -> Bool {
        display.settle()
        if let picture = lastPicture {
            // On a terminal the last table still stands.
            let table =
                Screen.isTerminal && picture.guests.count <= Display.tableLimit ? "" : "\n" + picture.table(limit: 64)
            Screen.write(table + agreement(picture) + "\n")
        }
        let (isRestored, words) = watchesOnly ? (true, "nothing was changed") : putBack()
        if let picture = lastPicture {
            let cpu = picture.scannerNanoseconds.map { Human.cpuTime(nanoseconds: $0) } ?? "unknown"
            Screen.write("saved \(picture.progress), scanner CPU time \(cpu), \(words)\n")
        } else {
            Screen.write("saved nothing: the demonstration ended before ksmd began, \(words)\n")
        }
        return isRestored
    }

    /// The guests' parts beside the kernel's sum.
    private func agreement(_ picture: Picture) -> String {
        guard !picture.guests.isEmpty, let host = picture.ksm.savedBytes(pageSize: GuestDirectory.pageSize) else {
            return ""
        }
        let parts = picture.guests.reduce(UInt64(0)) { $0 + ($1.savedBytes ?? 0) }
        return "The guests' parts are \(Picture.mebibytes(parts)); the kernel counts \(Picture.mebibytes(host)).\n"
    }

    private func putBack() -> (isRestored: Bool, words: String) {
        let step = { [machine] in _ = machine.simulator?.step() }
        let hadOwnGuests = fleet?.isOwn ?? false
        fleet?.end()
        machine.simulator?.endGuests()
        // The kernel forgets guests that have ended only while it scans.
        if hadOwnGuests, tuner != nil { _ = machine.found.waitUntilForgotten(seconds: 3, step) }
        if let tuner, !tuner.end() { Screen.write("ksmd did not end well; ksmd --restore was run.\n") }
        if hadOwnGuests, tuner != nil, !machine.found.forget(seconds: 5, step) {
            Screen.write(
                "The kernel has not forgotten the guests' memory yet; its counters are stale until it scans.\n"
            )
        }
        let differences = machine.found.putBack()
        for difference in differences { Screen.write("\(difference)\n") }
        let remaining = machine.found.putBack()
        if !remaining.isEmpty { return (false, "not every setting is as before") }
        return (true, "all \(machine.found.count) settings are as before")
    }
}
