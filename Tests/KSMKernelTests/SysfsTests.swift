import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

@Suite("Reading /sys/kernel/mm/ksm")
struct SysfsTests {
    private func readAll(_ machine: FixtureMachine) throws -> (KSMAttributes, [String]) {
        let sysfs = KSMSysfs(try KernelRoot(machine.path), buffer: ReadBuffer())
        var problems: [String] = []
        let attributes = sysfs.readAll(problems: &problems)
        return (attributes, problems)
    }

    @Test("All 24 attributes of 6.18")
    func newest() throws {
        let (ksm, problems) = try readAll(FixtureMachine())
        #expect(problems.isEmpty)
        for attribute in Attribute.allCases { #expect(ksm[attribute] != nil, "\(attribute)") }
        #expect(ksm[.advisor_mode] == .word("none"))
        #expect(!ksm.isAdvised)
    }

    @Test("The 14 of 5.4: what the kernel lacks is absent, and no problem")
    func oldest() throws {
        let (ksm, problems) = try readAll(FixtureMachine(ksm: FixtureMachine.oldestKSM))
        #expect(problems.isEmpty)
        #expect(Attribute.allCases.filter { ksm[$0] != nil }.count == 14)
        #expect(ksm[.general_profit] == nil)
    }

    @Test(
        "A file that is broken is a problem that names it; the others are read",
        arguments: ["", "abc\n", "-5\n", "1 2\n"]
    )
    func broken(_ text: String) throws {
        let machine = try FixtureMachine()
        try machine.write("sys/kernel/mm/ksm/pages_sharing", text)
        let (ksm, problems) = try readAll(machine)
        #expect(ksm[.pages_sharing] == nil)
        #expect(ksm[.pages_shared] == .unsigned(0))
        #expect(problems.count == 1)
        #expect(problems.first?.contains("/sys/kernel/mm/ksm/pages_sharing") == true)
    }

    @Test("A directory in place of a file is a problem with its cause")
    func directory() throws {
        let machine = try FixtureMachine()
        try machine.remove("sys/kernel/mm/ksm/run")
        try FileManager.default.createDirectory(
            at: machine.url("sys/kernel/mm/ksm/run"),
            withIntermediateDirectories: false
        )
        let (_, problems) = try readAll(machine)
        #expect(problems == ["Failed to read /sys/kernel/mm/ksm/run: Is a directory"])
    }

    @Test("A write replaces the recorded value whole, and fails by name where the file is missing")
    func write() throws {
        let machine = try FixtureMachine()
        machine["pages_to_scan"] = "4294967295"
        let sysfs = KSMSysfs(try KernelRoot(machine.path), buffer: ReadBuffer())
        try sysfs.write(.pages_to_scan, "7")
        #expect(machine["pages_to_scan"] == "7")
        try machine.remove("sys/kernel/mm/ksm/smart_scan")
        let error = #expect(throws: SystemError.self) { try sysfs.write(.smart_scan, "1") }
        #expect(
            error?.description == "Failed to open for writing /sys/kernel/mm/ksm/smart_scan: No such file or directory"
        )
    }

    @Test("Files are replaced in one step, directories are made, and a file too large is refused")
    func files() throws {
        let machine = try FixtureMachine()
        let root = try KernelRoot(machine.path)
        try root.replaceFile("/run/ksmd/deep/state", Array("one".utf8))
        try root.replaceFile("/run/ksmd/deep/state", Array("two".utf8))
        #expect(machine.read("run/ksmd/deep/state") == "two")
        #expect(try root.list("/run/ksmd/deep") == ["state"])
        let error = #expect(throws: SystemError.self) { try root.readFile("/run/ksmd/deep/state", limit: 2) }
        #expect(error?.errno == EFBIG)
        try root.remove("/run/ksmd/deep/state")
        try root.remove("/run/ksmd/deep/state")
        #expect(!root.exists("/run/ksmd/deep/state"))
    }
}
