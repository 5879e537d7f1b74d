// libFuzzer as a library (https://llvm.org/docs/LibFuzzer.html). SwiftPM gives every program a main of its own, so
// libFuzzer's is not used.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *_Nonnull argc, char *_Nullable *_Nonnull *_Nonnull argv,
                        int (*_Nonnull callback)(const uint8_t *_Nullable data, size_t size));
