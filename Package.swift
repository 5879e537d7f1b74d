// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is built with.
///
/// `house.md`'s rule "warnings are errors" lives here.
let common: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    // The loop sleeps nearly all the time: a small program is worth more to its host than a fast one.
    .unsafeFlags(["-Osize"], .when(configuration: .release)),
]

/// What the tests are built with.
///
/// Not with `MemberImportVisibility`: with Foundation or libsystemd in one of a target's files the compiler takes
/// `stat` and `timespec` for theirs in the others, sometimes, and refuses `import Glibc` alone.
let tests: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// How the two programs are linked: addresses bound at start (`-z now`), no symbols for others to link against, one copy
/// of functions that are the same, and relocations of the program's own addresses packed.
///
/// Without the last three the statically linked standard library makes ksmd 0.9 MB larger. The packed relocations need glibc 2.36, which
/// Debian 12 has (`DT_RELR`), and the linker that comes with Swift, lld.
let link: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld"]
            + ["-z", "now", "-z", "pack-relative-relocs", "--no-export-dynamic", "--icf=safe"].flatMap {
                ["-Xlinker", $0]
            }
    )
]

/// What C code is built with in a release: an overrun of a buffer ends the program before it can do harm.
let hardened: [CSetting] = [
    .unsafeFlags(
        ["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2"],
        .when(configuration: .release)
    )
]

/// The pure rooms (values, decisions, text) and nothing else: no call into C, so memory safety is checked strictly.
let pure: [SwiftSetting] = common + [.strictMemorySafety()]

var targets: [Target] = [
    // The C libraries, and the few shims that Swift cannot import.
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .systemLibrary(name: "CNuma", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
    .target(name: "CLinux", cSettings: hardened),

    // Values.
    .target(name: "KSMModel", swiftSettings: pure),

    // Pure.
    .target(name: "KSMText", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMPolicy", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMConfiguration", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMReport", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(
        name: "KSMLog",
        dependencies: ["KSMModel", "KSMText", "KSMConfiguration", "KSMReport"],
        swiftSettings: pure
    ),

    // Touches the machine.
    .target(name: "KSMKernel", dependencies: ["KSMModel", "KSMText", "CNuma", "CLinux"], swiftSettings: common),
    .target(name: "KSMSystemd", dependencies: ["CSystemd"], swiftSettings: common),
    .target(
        name: "KSMClient",
        dependencies: ["KSMModel", "KSMSystemd", "KSMLog", "CSystemd"],
        swiftSettings: common
    ),

    // The loop.
    .target(
        name: "KSMTuner",
        dependencies: [
            "KSMModel", "KSMText", "KSMPolicy", "KSMConfiguration", "KSMReport", "KSMKernel", "KSMSystemd", "CLinux",
        ],
        swiftSettings: common
    ),

    // Programs.
    .executableTarget(
        name: "ksmd",
        dependencies: ["KSMModel", "KSMTuner", "KSMKernel", "KSMSystemd", "CLinux"],
        swiftSettings: common,
        linkerSettings: link
    ),
    .executableTarget(
        name: "ksmctl",
        dependencies: [
            "KSMModel", "KSMText", "KSMPolicy", "KSMConfiguration", "KSMReport", "KSMLog", "KSMKernel", "KSMSystemd",
            "KSMClient", "KSMTuner", "CLinux",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: common,
        linkerSettings: link
    ),
]

// The demonstration behind ./run. Not installed.
targets.append(
    .executableTarget(
        name: "ksmd-demo",
        dependencies: ["KSMModel", "KSMReport", "KSMKernel", "KSMTuner", "CLinux"],
        swiftSettings: common
    )
)

// Tests of values, kernel text, decisions and readers.
targets += [
    .target(
        name: "KSMTestSupport",
        dependencies: ["KSMModel", "KSMText"],
        path: "Tests/KSMTestSupport",
        swiftSettings: tests
    ),
    .testTarget(
        name: "KSMPolicyTests",
        dependencies: ["KSMModel", "KSMPolicy", "KSMConfiguration"],
        exclude: ["ksmtuned-vectors.json"],
        swiftSettings: tests
    ),
    .testTarget(name: "KSMTextTests", dependencies: ["KSMModel", "KSMText"], swiftSettings: tests),
    .testTarget(
        name: "KSMKernelTests",
        dependencies: ["KSMModel", "KSMKernel", "KSMTestSupport", "CNuma"],
        swiftSettings: tests
    ),
    .testTarget(
        name: "KSMTunerTests",
        dependencies: [
            "KSMModel", "KSMPolicy", "KSMText", "KSMKernel", "KSMTuner", "KSMReport", "KSMSystemd", "KSMTestSupport",
            "ksmd",
        ],
        swiftSettings: tests
    ),
    .testTarget(
        name: "ksmdTests",
        dependencies: ["ksmd", "KSMModel", "KSMTuner", "KSMTestSupport"],
        swiftSettings: tests
    ),
    .testTarget(
        name: "LiveKernelTests",
        dependencies: [
            "KSMModel", "KSMKernel", "KSMSystemd", "KSMTuner", "KSMClient", "KSMTestSupport", "CSystemd", "ksmd",
            "ksmctl",
        ],
        swiftSettings: tests
    ),
]

// Tests of the reports and of ksmctl.
targets += [
    .testTarget(name: "KSMReportTests", dependencies: ["KSMModel", "KSMReport"], swiftSettings: tests),
    .testTarget(
        name: "ksmctlTests",
        dependencies: ["ksmctl", "ksmd", "KSMModel", "KSMConfiguration", "KSMTestSupport"],
        swiftSettings: tests
    ),
]

// Tests of reading the journal back.
targets.append(
    .testTarget(
        name: "KSMLogTests",
        dependencies: ["KSMModel", "KSMLog", "KSMConfiguration", "KSMReport"],
        swiftSettings: tests
    )
)

targets.append(
    .testTarget(
        name: "KSMSystemdTests",
        dependencies: ["KSMSystemd", "KSMTestSupport", "CSystemd", "ksmctl"],
        swiftSettings: tests
    )
)

targets.append(
    .testTarget(
        name: "KSMClientTests",
        dependencies: ["KSMModel", "KSMLog", "KSMClient", "KSMSystemd", "KSMTestSupport"],
        swiftSettings: tests
    )
)

// The budgets, on the release binary.
targets.append(
    .testTarget(
        name: "FootprintTests",
        dependencies: ["KSMModel", "KSMTestSupport"],
        exclude: ["rig"],
        swiftSettings: tests
    )
)

// Tests of the configuration, pure part and files.
targets.append(
    .testTarget(
        name: "KSMConfigurationTests",
        dependencies: ["KSMModel", "KSMConfiguration", "KSMKernel", "KSMTuner"],
        swiftSettings: tests
    )
)

// Fuzzing: the checks, which a test runs over every corpus; Tests/Fuzz/run builds the program.
targets += [
    .target(
        name: "KSMFuzz",
        dependencies: ["KSMModel", "KSMText", "KSMConfiguration", "KSMLog"],
        path: "Tests/Fuzz/Checks",
        swiftSettings: tests
    ),
    .testTarget(name: "FuzzRegressionTests", dependencies: ["KSMFuzz"], swiftSettings: tests),
    .testTarget(name: "ArchitectureTests", swiftSettings: tests),
]
if Context.environment["KSMD_FUZZ"] != nil {
    targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "ksmd-fuzz",
            dependencies: ["KSMFuzz", "CFuzzer"],
            path: "Tests/Fuzz/Program",
            swiftSettings: tests
        ),
    ]
}

// Tests of the documentation against the code.
targets.append(
    .testTarget(
        name: "DocumentationTests",
        dependencies: [
            "KSMModel", "KSMPolicy", "KSMConfiguration", "KSMReport", "KSMSystemd", "KSMTuner", "ksmd", "ksmctl",
        ],
        swiftSettings: tests
    )
)

let package = Package(
    name: "ksmd",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)
