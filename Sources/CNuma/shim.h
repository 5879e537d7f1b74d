// libnuma 2.0.16 or newer.
#ifndef KSMD_CNUMA_SHIM_H
#define KSMD_CNUMA_SHIM_H

#include <numa.h>
#include <numaif.h>

#endif
