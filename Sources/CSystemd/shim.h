// libsystemd, API level 252. One umbrella header, because systemd's own refuse to be included on their own.
#ifndef KSMD_CSYSTEMD_SHIM_H
#define KSMD_CSYSTEMD_SHIM_H

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

#endif
