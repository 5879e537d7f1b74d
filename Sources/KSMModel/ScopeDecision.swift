/// What merging over all nodes and within each would save; the error is half the width of the 95 % interval.
package struct ScopeEstimate: Equatable, Sendable {
    package var acrossBytes: UInt64
    package var localBytes: UInt64
    package var errorBytes: UInt64

    package init(acrossBytes: UInt64, localBytes: UInt64, errorBytes: UInt64) {
        self.acrossBytes = acrossBytes
        self.localBytes = localBytes
        self.errorBytes = errorBytes
    }
}

/// What is to become of `merge_across_nodes`.
package struct ScopeDecision: Equatable, Sendable {
    package enum Action: String, Sendable {
        /// The attribute stays as it is.
        case keep
        /// Nothing is merged: the change is one write.
        case write
        /// Everything has to be un-shared first.
        case unmerge
    }

    /// `nil` where this kernel has no such attribute.
    package var current: MergeScope?
    /// The scope that would be right; `nil` where there is nothing to choose.
    package var wanted: MergeScope?
    package var action: Action
    package var reason: Reason

    package init(current: MergeScope?, wanted: MergeScope?, action: Action, reason: Reason) {
        self.current = current
        self.wanted = wanted
        self.action = action
        self.reason = reason
    }
}

/// What un-sharing everything takes, and whether memory holds it.
package struct UnmergePlan: Equatable, Sendable {
    /// Where memory is needed.
    package enum Place: Equatable, Sendable {
        case host
        case node(Int)
        /// A cgroup with a limit, and the guest that needs most in it.
        case cgroup(path: String, guest: String)
    }

    /// One place's need.
    package struct Need: Equatable, Sendable {
        package var place: Place
        package var neededKiB: UInt64
        package var presentKiB: UInt64
        /// What has to stay free there.
        package var reserveKiB: UInt64

        package init(place: Place, neededKiB: UInt64, presentKiB: UInt64, reserveKiB: UInt64) {
            self.place = place
            self.neededKiB = neededKiB
            self.presentKiB = presentKiB
            self.reserveKiB = reserveKiB
        }

        /// Memory holds it, with the reserve.
        package var isMet: Bool {
            neededKiB == 0 || presentKiB >= neededKiB && presentKiB - neededKiB >= reserveKiB
        }
    }

    /// Pages that become copies: `pages_sharing` and the zero pages.
    package var pages: UInt64
    package var needs: [Need]
    /// The longest that a guest's mmap, munmap and brk are expected to wait, in milliseconds.
    package var stallMilliseconds: UInt64
    /// The whole, in milliseconds.
    package var totalMilliseconds: UInt64
    /// What cannot be placed where it belongs, or what the plan could not see; one sentence each.
    package var remarks: [String]

    package init(
        pages: UInt64,
        needs: [Need],
        stallMilliseconds: UInt64,
        totalMilliseconds: UInt64,
        remarks: [String] = []
    ) {
        self.pages = pages
        self.needs = needs
        self.stallMilliseconds = stallMilliseconds
        self.totalMilliseconds = totalMilliseconds
        self.remarks = remarks
    }

    /// The needs that memory does not hold.
    package var unmet: [Need] { needs.filter { !$0.isMet } }
}
