import KSMModel

/// What the memory of a demonstration's guest is made of, in pages.
///
/// Known exactly, so the savings that can be reached are known exactly too.
///
/// The parts are those that merging meets in virtual machines: what all of them have alike (kernel, libraries, page
/// cache), memory that was zeroed and not used since, data of their own, and data that changes all the time.
struct GuestMix {
    /// Page i is equal in all guests and unlike every other page.
    var sharedPages: Int
    var zeroPages: Int
    var uniquePages: Int
    /// Written all the time: never merged.
    var changingPages: Int

    /// Half is shared, a sixth zero, a quarter unique, the rest changes.
    init(mebibytes: Int, pageSize: Int) {
        let total = (mebibytes << 20) / pageSize
        sharedPages = total / 2
        zeroPages = total / 6
        uniquePages = total / 4
        changingPages = total - sharedPages - zeroPages - uniquePages
    }

    var pages: Int { sharedPages + zeroPages + uniquePages + changingPages }

    /// Pages that merging can save with `guests` such guests.
    ///
    /// One copy of equal pages has to stay for every `max_page_sharing` of them (mm/ksm.c). With `use_zero_pages` zero
    /// pages need no copy at all.
    func attainablePages(guests: Int, _ ksm: KSMAttributes) -> Int {
        guard guests > 0 else { return 0 }
        let limit = Int(clamping: max(2, ksm.number(.max_page_sharing) ?? 256))
        let zeros = zeroPages * guests
        let kept = ksm.number(.use_zero_pages) == 1 ? 0 : GuestMix.copies(zeros, limit)
        return sharedPages * (guests - GuestMix.copies(guests, limit)) + zeros - kept
    }

    private static func copies(_ pages: Int, _ limit: Int) -> Int { (pages + limit - 1) / limit }
}
