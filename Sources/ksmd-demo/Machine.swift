import Glibc
import KSMKernel
import KSMModel
import KSMReport

/// The machine that ksmd tunes: this one, or a simulated one in a directory.
final class Machine {
    /// The directory of a simulated machine; `nil` is the running one.
    let root: String?
    let simulator: Simulator?
    let sampler: Sampler
    let found: FoundSettings

    private init(root: String?, simulator: Simulator?) throws(Failure) {
        self.root = root
        self.simulator = simulator
        do {
            sampler = Sampler(try KernelRoot(root), Settings())
        } catch {
            throw Failure(error.description)
        }
        found = FoundSettings(sampler.ksm)
    }

    /// This machine, where its KSM can be tuned; else says why not, and makes a simulated one in `directory`.
    static func choose(_ options: Options, directory: String) throws(Failure) -> Machine {
        let obstacle = options.simulate ? "--simulate was given" : obstacle()
        guard let obstacle else { return try Machine(root: nil, simulator: nil) }
        let words = "Simulation: \(obstacle). ksmd tunes a simulated kernel; nothing on this machine changes."
        Screen.write(TextLayout.wrap(words) + "\n")
        let root = "\(directory)/machine"
        let simulator = try Simulator(root: root, guests: options.guests ?? 4)
        return try Machine(root: root, simulator: simulator)
    }

    /// Why the KSM of this machine cannot be tuned.
    private static func obstacle() -> String? {
        let run = KSMSysfs.path(.run)
        guard let root = try? KernelRoot(), root.exists(run) else {
            return "this kernel has no KSM (there is no \(KSMSysfs.directory))"
        }
        guard geteuid() == 0 else { return "only root may tune the kernel, and this is user \(geteuid())" }
        do {
            try root.checkWritable(run)
        } catch {
            return "the kernel's settings cannot be written (\(run): \(error.cause))"
        }
        return nil
    }

    /// What there is to see now.
    func sample() -> Sample {
        simulator?.step()
        return sampler.sample(withKSMStats: true)
    }
}
