// RuntimeGuard: between a program that embeds the library and the Runtime. Nothing of the event
// loop's leaks out: no exception, and no change of a signal's disposition.
#pragma once

#include <memory>

#include "boxlite/runtime/runtime.h"

namespace boxlite {

// Each call of the result runs with SIGPIPE blocked in this thread (a broken pipe is an error, not
// a signal), and with exceptions turned into kInternal.
std::unique_ptr<Runtime> NewRuntimeGuard(std::unique_ptr<Runtime> runtime);

// While one lives, SIGPIPE is blocked in this thread; one that a write of ours raised meanwhile is
// taken away, one that was pending before is left.
class QuietPipes {
 public:
  QuietPipes();
  ~QuietPipes();
  QuietPipes(const QuietPipes&) = delete;
  QuietPipes& operator=(const QuietPipes&) = delete;

 private:
  bool was_blocked_ = false;
  bool was_pending_ = false;
};

}  // namespace boxlite
