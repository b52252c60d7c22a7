// The signals that a foreground run passes on to the box's main command.
#pragma once

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite::cli {

// Blocks them in this thread, before any other exists, and returns a non-blocking signalfd with
// them: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2, but those which the caller has this
// process ignore (nohup).
Result<Fd> CatchForwardedSignals();

// The next signal that came and was not read yet; 0: none.
int TakeSignal(int signals_fd);

}  // namespace boxlite::cli
