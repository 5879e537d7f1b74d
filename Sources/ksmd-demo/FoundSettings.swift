import KSMKernel
import KSMModel

/// Every attribute of `/sys/kernel/mm/ksm` that can be written, as it was before the demonstration, and how to get back
/// there should ksmd have left something.
struct FoundSettings {
    private let values: [(attribute: Attribute, value: AttributeValue)]
    private let ksm: KSMSysfs
    /// Pages that the scanner knew of.
    private let knownPages: UInt64

    init(_ ksm: KSMSysfs) {
        self.ksm = ksm
        values = Attribute.settings.compactMap { attribute in
            FoundSettings.read(ksm, attribute).map { (attribute, $0) }
        }
        knownPages = FoundSettings.knownPages(ksm)
    }

    var count: Int { values.count }

    /// `run` without the bit that stands while memory goes offline.
    private static func read(_ ksm: KSMSysfs, _ attribute: Attribute) -> AttributeValue? {
        guard let value = try? ksm.read(attribute) else { return nil }
        return attribute == .run ? value.unsignedValue.map { .unsigned($0 & 3) } ?? value : value
    }

    private static func knownPages(_ ksm: KSMSysfs) -> UInt64 {
        let counters: [Attribute] = [.pages_shared, .pages_sharing, .pages_unshared, .pages_volatile]
        return counters.reduce(0) { $0 &+ (read(ksm, $1)?.unsignedValue ?? 0) }
    }

    /// Puts back what differs, in an order that the kernel takes: turning the advisor on or off sets `pages_to_scan`
    /// (mm/ksm.c), and `run` comes last.
    /// - Returns: one sentence for each attribute that differed; empty when all is as before.
    func putBack() -> [String] {
        let order =
            values.filter { $0.attribute == .advisor_mode }
            + values.filter { $0.attribute != .advisor_mode && $0.attribute != .run }
            + values.filter { $0.attribute == .run }
        return order.compactMap { putBack($0.attribute, $0.value) }
    }

    private func putBack(_ attribute: Attribute, _ found: AttributeValue) -> String? {
        guard let now = FoundSettings.read(ksm, attribute), now != found else { return nil }
        // The advisor, on again, moves pages_to_scan by itself and lets nobody write it.
        if attribute == .pages_to_scan, FoundSettings.read(ksm, .advisor_mode)?.wordValue ?? "none" != "none" {
            return nil
        }
        if attribute == .run, found == .unsigned(2) {
            return
                "run is \(now) and was 2, which un-shares all memory: not put back, write it by hand if you want that"
        }
        do {
            try ksm.write(attribute, found.description)
        } catch {
            return "\(attribute.name) is \(now) and was \(found): \(error)"
        }
        let after = FoundSettings.read(ksm, attribute)
        return after == found
            ? "\(attribute.name) was still \(now); put back to \(found)"
            : "\(attribute.name) is \(now) and was \(found): the kernel did not take it back"
    }

    // MARK: Guests that have ended

    /// Whether the scanner has dropped what it knew about guests that have ended.
    ///
    /// It does so only while it scans.
    private var isForgotten: Bool { FoundSettings.knownPages(ksm) <= knownPages }

    /// Waits until the scanner has passed over guests that have ended.
    /// - Parameter step: called again and again meanwhile.
    /// - Returns: whether they are forgotten.
    func waitUntilForgotten(seconds: Int, _ step: () -> Void) -> Bool {
        _ = Deadline.wait(seconds: seconds) {
            step()
            return isForgotten || FoundSettings.read(ksm, .run) != .unsigned(1)
        }
        return isForgotten
    }

    /// The same with ksmd gone: lets the scanner run for a moment.
    ///
    /// `putBack` has to follow.
    func forget(seconds: Int, _ step: () -> Void) -> Bool {
        if isForgotten { return true }
        try? ksm.write(.pages_to_scan, "2500")
        guard (try? ksm.write(.run, "1")) != nil else { return false }
        return waitUntilForgotten(seconds: seconds, step)
    }
}
