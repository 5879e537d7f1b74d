import Foundation
import KSMKernel
import KSMModel
import KSMTestSupport
import Testing

/// What the kernel refuses, as values: operation, file, cause.
@Suite(
    "LiveKernel: what the kernel refuses",
    .serialized,
    .enabled("needs root and a KSM that can be set") { geteuid() == 0 && LiveKernel.isAvailable }
)
struct LiveRefusalTests {
    private func sysfs() throws -> KSMSysfs { KSMSysfs(try KernelRoot(), buffer: ReadBuffer()) }

    private func failure(_ attribute: Attribute, _ value: String) throws -> String? {
        let sysfs = try sysfs()
        do throws(SystemError) {
            try sysfs.write(attribute, value)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("EBUSY: max_page_sharing while pages are shared")
    func busy() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        kernel.mergeable(mebibytes: 8)
        kernel.set(.pages_to_scan, "10000")
        kernel.set(.run, "1")
        #expect(eventually(30) { kernel.counter(.pages_shared) > 0 })
        #expect(
            try failure(.max_page_sharing, "100")
                == "Failed to write /sys/kernel/mm/ksm/max_page_sharing: Device or resource busy"
        )
    }

    @Test("EINVAL: pages_to_scan while the advisor is on, and values that are none")
    func invalid() throws {
        let kernel = try LiveKernel()
        defer { kernel.finish() }
        let text = "Failed to write /sys/kernel/mm/ksm/pages_to_scan: Invalid argument"
        #expect(try failure(.pages_to_scan, "-1") == text)
        #expect(try failure(.pages_to_scan, "4294967296") == text)
        #expect(try failure(.pages_to_scan, "") == text)
        guard kernel.set(.advisor_mode, "scan-time") else { return }
        #expect(try failure(.pages_to_scan, "100") == text)
    }

    @Test("EACCES: a counter cannot be written, not even by root")
    func access() throws {
        let text = "Failed to open for writing /sys/kernel/mm/ksm/pages_sharing: Permission denied"
        #expect(try failure(.pages_sharing, "0") == text)
    }

    @Test("Every attribute of this kernel is read without a problem, and what it lacks is absent")
    func reading() throws {
        var problems: [String] = []
        let attributes = try sysfs().readAll(problems: &problems)
        #expect(problems == [])
        for attribute in Attribute.allCases {
            let isThere = FileManager.default.fileExists(atPath: "/sys/kernel/mm/ksm/\(attribute.name)")
            #expect((attributes[attribute] != nil) == isThere, "\(attribute)")
        }
    }
}
