#include "boxlite/cli/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace boxlite::cli {

Result<Fd> CatchForwardedSignals() {
  sigset_t forwarded;
  ::sigemptyset(&forwarded);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    struct sigaction current = {};
    // A blocked signal is delivered to a signalfd even when its disposition is to be ignored.
    if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) continue;
    ::sigaddset(&forwarded, number);
  }
  if (::pthread_sigmask(SIG_BLOCK, &forwarded, nullptr) != 0) return ErrnoError("block signals");
  Fd fd(::signalfd(-1, &forwarded, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return ErrnoError("catch signals");
  return fd;
}

int TakeSignal(int signals_fd) {
  signalfd_siginfo info = {};
  const ssize_t size = ::read(signals_fd, &info, sizeof info);
  return size == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace boxlite::cli
