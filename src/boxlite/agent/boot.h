// The first steps of pid 1: tables of stages, each said on the console, so that a boot that stops
// shows where.
#pragma once

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

// Up to the open serial port named "agent" (non-blocking, read and write). An error: a stage
// without which there is no guest failed.
Result<Fd> BootToPort();

// What is not needed to answer the host: the other drivers, cgroups, the loopback interface.
Status FinishBoot();

}  // namespace boxlite
