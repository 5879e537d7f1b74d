import CSystemd
import Glibc
import KSMSystemd
import Testing

@Suite("What the service manager is told")
struct NotifierTests {
    @Test("Every message has the bytes that sd_notify(3) describes")
    func messages() throws {
        let manager = try ManagerSocket()
        let notifier = Notifier(environment: manager.environment)
        notifier.ready(status: "Scanning")
        #expect(manager.message() == "READY=1\nSTATUS=Scanning")
        notifier.ready()
        #expect(manager.message() == "READY=1")
        notifier.status("Saved 3 MiB")
        #expect(manager.message() == "STATUS=Saved 3 MiB")
        notifier.stopping(status: "Putting settings back")
        #expect(manager.message() == "STOPPING=1\nSTATUS=Putting settings back")
        notifier.stopping()
        #expect(manager.message() == "STOPPING=1")
        notifier.watchdog()
        #expect(manager.message() == "WATCHDOG=1")
        notifier.watchdogUSec(10_800_000_000)
        #expect(manager.message() == "WATCHDOG_USEC=10800000000")
        #expect(manager.message() == nil)
        #expect(notifier.failure == nil)
    }

    @Test("A reload carries the monotonic time at which it began")
    func reload() throws {
        let manager = try ManagerSocket()
        let notifier = Notifier(environment: manager.environment)
        let clock = try EventLoop()
        let before = clock.now()
        notifier.reloading()
        let after = clock.now()
        let message = try #require(manager.message())
        let prefix = "RELOADING=1\nMONOTONIC_USEC="
        #expect(message.hasPrefix(prefix))
        let time = try #require(UInt64(message.dropFirst(prefix.count)))
        #expect(before <= time && time <= after)
    }

    @Test(
        "A status is one line",
        arguments: [
            ("two\nlines", "two lines"),
            ("a\r\nb\tc\0d\u{7F}e", "a  b c d e"),
            ("READY\nSTOPPING=1", "READY STOPPING=1"),
            ("größer 🐏", "größer 🐏"),
            ("", ""),
        ]
    )
    func oneLine(sentence: String, sent: String) throws {
        let manager = try ManagerSocket()
        Notifier(environment: manager.environment).status(sentence)
        #expect(manager.message() == "STATUS=" + sent)
    }

    @Test("A long status is cut at 2,048 bytes, between two characters", arguments: 0..<4)
    func longStatus(offset: Int) throws {
        let manager = try ManagerSocket()
        let sentence = String(repeating: "x", count: offset) + String(repeating: "🐏", count: 2000)
        Notifier(environment: manager.environment).status(sentence)
        let sent = try #require(manager.message()).dropFirst("STATUS=".count)
        #expect(sentence.hasPrefix(sent))
        #expect((2045...2048).contains(sent.utf8.count))
    }

    @Test("A socket in the file system works like an abstract one")
    func pathSocket() throws {
        var directory = Array("/tmp/ksmd-notify-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&directory))
        let path = String(cString: made) + "/notify"
        defer {
            unlink(path)
            rmdir(made)
        }
        let manager = try ManagerSocket(path: path)
        let notifier = Notifier(environment: manager.environment)
        notifier.ready()
        #expect(manager.message() == "READY=1")
        #expect(notifier.failure == nil)
    }

    @Test("Without NOTIFY_SOCKET nothing is sent and nothing fails")
    func nobodyListens() {
        let notifier = Notifier(environment: ServiceEnvironment())
        notifier.ready(status: "Scanning")
        notifier.watchdog()
        #expect(notifier.failure == nil)
    }

    @Test(
        "An address that cannot work is a failure to look at, not an end",
        arguments: [
            ("", EAFNOSUPPORT), ("@", EAFNOSUPPORT), ("relative", EAFNOSUPPORT), ("vsock:2:1234", EAFNOSUPPORT),
            ("/" + String(repeating: "x", count: 200), ENAMETOOLONG),
        ]
    )
    func badAddress(address: String, cause: Int32) {
        let notifier = Notifier(environment: ServiceEnvironment(notifySocket: address))
        notifier.ready()
        #expect(notifier.failure == SystemdError(operation: "notify \(address)", code: cause))
    }

    @Test("A manager that is gone is a failure to look at")
    func managerGone() {
        let notifier = Notifier(environment: ServiceEnvironment(notifySocket: "/nonexistent/notify"))
        notifier.ready()
        #expect(notifier.failure?.code == ENOENT)
    }

    @Test("A manager that does not read delays the caller by a tenth of a second at most")
    func managerStuck() throws {
        let manager = try ManagerSocket()
        let notifier = Notifier(environment: manager.environment)
        let clock = try EventLoop()
        var statuses = 0
        while notifier.failure == nil, statuses < 100_000 {
            notifier.status("Scanning")
            statuses += 1
        }
        #expect(notifier.failure?.code == EAGAIN)

        let start = clock.now()
        notifier.watchdog()
        #expect(notifier.failure?.code == EAGAIN)
        #expect((80_000..<1_000_000).contains(clock.now() - start))

        #expect(manager.message() == "STATUS=Scanning")
        notifier.watchdog()
        #expect(notifier.failure == nil)
    }

    @Test("Only the process that made the notifier speaks, not a child that it forks")
    func forkedChild() async {
        await #expect(processExitsWith: .success) {
            let fork = try function("fork", as: (@convention(c) () -> Int32).self)
            let manager = try ManagerSocket()
            let notifier = Notifier(environment: manager.environment)
            let child = fork()
            if child == 0 {
                notifier.ready(status: "I am the child")
                _exit(0)
            }
            var status: Int32 = -1
            try succeed("waitpid", waitpid(child, &status, 0))
            #expect(status == 0)
            #expect(manager.message() == nil)
            notifier.ready(status: "I am the daemon")
            #expect(manager.message() == "READY=1\nSTATUS=I am the daemon")
        }
    }

    @Test("libsystemd's sd_notify sends the same bytes to the same address")
    func sameAsLibsystemd() async {
        await #expect(processExitsWith: .success) {
            let manager = try ManagerSocket()
            setenv("NOTIFY_SOCKET", manager.address, 1)
            #expect(sd_notify(0, "READY=1\nSTATUS=Scanning") == 1)
            Notifier().ready(status: "Scanning")
            let theirs = try #require(manager.message())
            #expect(manager.message() == theirs)
        }
    }
}

@Suite("The watchdog interval")
struct WatchdogIntervalTests {
    @Test(
        "It is the service manager's, for this process only",
        arguments: [
            ("30000000", nil, 30_000_000), ("1", nil, 1), (nil, nil, nil), ("0", nil, nil), ("", nil, nil),
            ("-5", nil, nil), ("3x", nil, nil), ("18446744073709551615", nil, nil), ("99999999999999999999", nil, nil),
            ("30000000", "1", nil), ("30000000", "", nil), ("30000000", "me", nil), ("30000000", "self", 30_000_000),
        ] as [(String?, String?, UInt64?)]
    )
    func interval(microseconds: String?, pid: String?, expected: UInt64?) {
        let pid = pid == "self" ? "\(getpid())" : pid
        let environment = ServiceEnvironment(watchdogMicroseconds: microseconds, watchdogPID: pid)
        #expect(Notifier(environment: environment).watchdogIntervalMicroseconds == expected)
    }

    @Test("libsystemd's sd_watchdog_enabled reads the same")
    func sameAsLibsystemd() async {
        await #expect(processExitsWith: .success) {
            for microseconds in ["30000000", "1", "0", "", "-5", "3x", "18446744073709551615"] {
                for pid in ["\(getpid())", "1", "", "me"] {
                    setenv("WATCHDOG_USEC", microseconds, 1)
                    setenv("WATCHDOG_PID", pid, 1)
                    var interval: UInt64 = 0
                    let enabled = sd_watchdog_enabled(0, &interval) > 0
                    #expect(Notifier().watchdogIntervalMicroseconds == (enabled ? interval : nil))
                }
            }
        }
    }
}
