// BlockedSignals: while one lives, the threads that this thread starts get none of the embedder's
// signals.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace boxlite::v0::internal {

// Threads begin with the mask of their maker. The embedder's handlers are not to run on ours; what
// a bug of the thread itself raises has to get through to whoever writes crash reports.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      ::sigdelset(&all, number);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace boxlite::v0::internal
