import KSMModel
import KSMPolicy
import Testing

@Suite("When events become looks and adjustments")
struct EventPacerTests {
    /// Runs the pacer to the end of `until`, and says when it did what; every look finds a change if `finds`.
    private func run(
        _ pacer: inout EventPacer,
        until end: UInt64,
        finds: (UInt64) -> Bool = { _ in false }
    ) -> [String] {
        var told: [String] = []
        while let next = pacer.next, next <= end {
            switch pacer.take(at: next) {
            case .look:
                told.append("look \(next)")
                if finds(next) { pacer.noteChange(at: next) }
            case .adjust(let cause):
                told.append("\(cause) \(next)")
                pacer.noteAdjustment(at: next)
            case nil: break
            }
        }
        return told
    }

    @Test("Nothing has happened: nothing is due")
    func quiet() {
        #expect(EventPacer().next == nil)
    }

    @Test("An event is a look after a tenth of a second, and a second one, and nothing else if nobody came")
    func lookOnly() {
        var pacer = EventPacer()
        pacer.noteEvent(at: 1_000_000)
        #expect(run(&pacer, until: .max) == ["look 1100000", "look 1600000"])
    }

    @Test("A guest that came is one adjustment at once")
    func guest() {
        var pacer = EventPacer()
        pacer.noteEvent(at: 1_000_000)
        #expect(
            run(&pacer, until: .max) { $0 == 1_100_000 } == ["look 1100000", "guests 1100000", "look 1600000"]
        )
    }

    @Test("A hundred events in a second are few looks and one adjustment; what came late is one more after the window")
    func burst() {
        var pacer = EventPacer()
        var told: [String] = []
        for index in 0..<100 {
            let now = 1_000_000 + UInt64(index) * 10_000
            told += run(&pacer, until: now) { _ in true }
            pacer.noteEvent(at: now)
        }
        told += run(&pacer, until: .max) { _ in true }
        #expect(told.filter { $0.hasPrefix("guests") } == ["guests 1100000", "guests 3100000"])
        #expect(told.filter { $0.hasPrefix("look") }.count <= 12, "\(told)")
    }

    @Test("Within two seconds of an adjustment nothing is adjusted, and afterwards it is")
    func window() {
        var pacer = EventPacer()
        pacer.noteAdjustment(at: 5_000_000)
        #expect(pacer.isWithinWindow(at: 6_999_999) && !pacer.isWithinWindow(at: 7_000_000))
        pacer.noteChange(at: 5_500_000)
        #expect(run(&pacer, until: .max) == ["guests 7000000"])
    }

    @Test("An adjustment for another reason takes in what was pending")
    func forgotten() {
        var pacer = EventPacer()
        pacer.noteAdjustment(at: 5_000_000)
        pacer.noteChange(at: 5_500_000)
        pacer.noteAdjustment(at: 6_000_000)
        #expect(pacer.next == nil)
    }

    @Test("The tick of the interval takes in what was pending, and makes no window of its own")
    func interval() {
        var pacer = EventPacer()
        pacer.noteAdjustment(at: 5_000_000)
        pacer.noteChange(at: 5_500_000)
        pacer.noteTick()
        #expect(pacer.next == nil)
        #expect(!pacer.isWithinWindow(at: 7_500_000))
    }

    @Test("Pressure that begins is answered at once, and pressure that lasts every ten seconds")
    func pressure() {
        var pacer = EventPacer()
        var told: [String] = []
        for second in 1...25 {
            pacer.notePressure(at: UInt64(second) * 1_000_000)
            told += run(&pacer, until: UInt64(second) * 1_000_000)
        }
        #expect(told == ["pressure 1000000", "pressure 11000000", "pressure 21000000"])
    }

    @Test(
        "Without the kernel's trigger, pressure is what was waited for between two looks",
        arguments: [
            (UInt64(0), false), (9_999, false), (10_000, true), (900_000, true),
        ]
    )
    func poll(_ stalled: UInt64, _ isPressure: Bool) {
        var poll = PressurePoll()
        func pressure(_ total: UInt64) -> PressureStall {
            var pressure = PressureStall()
            pressure.some = .init(avg10: 0, avg60: 0, avg300: 0, totalMicroseconds: total)
            return pressure
        }
        let looks = [pressure(50_000), pressure(50_000 + stalled), nil, pressure(0)]
        var told: [Bool] = []
        for (index, look) in looks.enumerated() {
            told.append(poll.take(look, at: UInt64(index + 1) * 1_000_000, stallPermille: 10))
        }
        // A counter that goes back is another boot's.
        #expect(told == [false, isPressure, false, false])
    }
}
