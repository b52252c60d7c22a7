// The signals that this process takes as data, for itself or for a program in a box.
#pragma once

#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite::cli {

// Those that end a process that does nothing about them and that people send to it.
std::vector<int> EndingSignals();
// Those that are passed on to the box's main command: the ending ones, SIGUSR1 and 2, timers and
// the real-time signals. Not among them: what stops and continues this very process (^Z is its
// own), and what the kernel tells it about itself (SIGCHLD, SIGPIPE, SIGSEGV, ...).
std::vector<int> ForwardedSignals();

// A non-blocking signalfd. Delivered there are those that are blocked.
Result<Fd> OpenSignals(const std::vector<int>& numbers);
// The same, and blocks them in this thread, before any other exists; but leaves out those which the
// caller has this process ignore (nohup).
Result<Fd> CatchSignals(std::vector<int> numbers);
void BlockSignals(const std::vector<int>& numbers);
void UnblockSignals(const std::vector<int>& numbers);

// The next signal that came and was not read yet; 0: none.
int TakeSignal(int signals_fd);

}  // namespace boxlite::cli
