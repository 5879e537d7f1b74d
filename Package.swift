// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is built with. `house.md`'s rule "warnings are errors" lives here.
let common: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// The pure rooms (values, decisions, text) and nothing else: no call into C, so memory safety is checked strictly.
let pure: [SwiftSetting] = common + [.strictMemorySafety()]

var targets: [Target] = [
    // The C libraries, and the few shims that Swift cannot import.
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .systemLibrary(name: "CNuma", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
    .target(name: "CLinux"),

    // Values.
    .target(name: "KSMModel", swiftSettings: pure),

    // Pure.
    .target(name: "KSMText", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMPolicy", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMConfiguration", dependencies: ["KSMModel"], swiftSettings: pure),
    .target(name: "KSMReport", dependencies: ["KSMModel"], swiftSettings: pure),

    // Touches the machine.
    .target(name: "KSMKernel", dependencies: ["KSMModel", "KSMText", "CNuma", "CLinux"], swiftSettings: common),
    .target(name: "KSMSystemd", dependencies: ["CSystemd"], swiftSettings: common),

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
        linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]
    ),
    .executableTarget(
        name: "ksmctl",
        dependencies: [
            "KSMModel", "KSMConfiguration", "KSMReport", "KSMKernel", "KSMTuner", "CLinux",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: common,
        linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]
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

// Tests of the reports and of ksmctl.
targets += [
    .testTarget(name: "KSMReportTests", dependencies: ["KSMModel", "KSMReport"], swiftSettings: common),
    .testTarget(name: "ksmctlTests", dependencies: ["ksmctl", "ksmd"], swiftSettings: common),
]

targets.append(
    .testTarget(name: "KSMSystemdTests", dependencies: ["KSMSystemd", "CSystemd"], swiftSettings: common)
)

// Tests of the configuration, pure part and files.
targets.append(
    .testTarget(
        name: "KSMConfigurationTests",
        dependencies: ["KSMModel", "KSMConfiguration", "KSMKernel", "KSMTuner"],
        swiftSettings: common
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
