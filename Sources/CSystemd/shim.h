// libsystemd, API level 252. One umbrella header, because systemd's own refuse to be included on their own.
#ifndef KSMD_CSYSTEMD_SHIM_H
#define KSMD_CSYSTEMD_SHIM_H

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

// libsystemd compares this address with its own variable's. Swift would give that of a copy.
static inline const unsigned *ksmd_bus_vtable_format(void) { return &sd_bus_object_vtable_format; }

#endif
