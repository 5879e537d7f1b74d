import KSMModel

/// A share found by looking at some of many: how far the true one may be below and above (95 %).
///
/// Wilson's interval, which does not say ±0 when none of n was hit. It takes the samples for independent; neighbouring
/// pages are not quite that, so a survey should take them one by one.
/// Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209–212.
struct SampledShare {
    /// The normal distribution's value for 95 %.
    private static let z = 1.96

    let value: Double
    let below: Double
    let above: Double

    /// - Parameters:
    ///   - hits: how many of the samples have what is asked for.
    ///   - samples: above 0.
    ///   - step: how many pages one sample stands for; 1 is a full count, which has no error.
    init(hits: Double, samples: Double, step: Double) {
        value = hits / samples
        let squared = SampledShare.z * SampledShare.z
        let stretch = 1 + squared / samples
        let centre = (value + squared / (2 * samples)) / stretch
        let spread = value * (1 - value) / samples + squared / (4 * samples * samples)
        let half = SampledShare.z * spread.squareRoot() / stretch
        let rest = SampledShare.unseen(step)
        below = max(0, value - (centre - half)) * rest
        above = max(0, centre + half - value) * rest
    }

    /// Nothing is known but that it is a share.
    init(unknown guess: Double) {
        (value, below, above) = (guess, guess, 1 - guess)
    }

    /// By how much the error shrinks when a good part of all has been looked at: √(1 − 1/step).
    private static func unseen(_ step: Double) -> Double {
        guard step.isFinite else { return 1 }
        return step > 1 ? (1 - 1 / step).squareRoot() : 0
    }

    /// The share over several groups, each with its weight.
    ///
    /// The distances to the ends of the intervals add up as squares (the MOVER rule: Zou and Donner, Statistics in
    /// Medicine 27 (2008), 1693–1702).
    /// - Returns: `nil` when nothing has weight.
    static func combined(_ groups: [(weight: Double, share: SampledShare)]) -> Share? {
        let total = groups.reduce(0) { $0 + $1.weight }
        guard total > 0, total.isFinite else { return nil }
        var (value, below, above) = (0.0, 0.0, 0.0)
        for group in groups {
            let part = group.weight / total
            value += part * group.share.value
            below += (part * group.share.below) * (part * group.share.below)
            above += (part * group.share.above) * (part * group.share.above)
        }
        return Share(value: min(value, 1), error: min(max(below, above).squareRoot(), 1))
    }
}
