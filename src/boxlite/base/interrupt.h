// Interrupt: how another thread ends the long waits of this one. Whoever serves calls that may be
// given up (the embedding library's workers) names a descriptor; the waits of base, and of the
// runtime, that have no bound of their own look at it too. Steps that end a life or clean up are
// bounded and do not look: they are never cut short.
#pragma once

#include "boxlite/base/result.h"

namespace boxlite {

// For this thread, while it lives. `fd` is borrowed; readable means: give up.
class ScopedInterrupt {
 public:
  explicit ScopedInterrupt(int fd);
  ~ScopedInterrupt();
  ScopedInterrupt(const ScopedInterrupt&) = delete;
  ScopedInterrupt& operator=(const ScopedInterrupt&) = delete;

 private:
  int before_;
};

int CurrentInterrupt();  // the thread's descriptor; -1: none, nothing interrupts it
bool Interrupted();      // whether it is readable now
Error InterruptedError();

}  // namespace boxlite
