#include "boxlite/cli/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

namespace boxlite::cli {
namespace {

sigset_t SetOf(const std::vector<int>& numbers) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : numbers) ::sigaddset(&set, number);
  return set;
}

// A blocked signal is delivered to a signalfd even when its disposition is to be ignored.
bool IsIgnored(int number) {
  struct sigaction current = {};
  return ::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

}  // namespace

std::vector<int> EndingSignals() { return {SIGINT, SIGTERM, SIGHUP, SIGQUIT}; }

std::vector<int> ForwardedSignals() {
  std::vector<int> numbers = EndingSignals();
  for (const int number : {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR}) {
    numbers.push_back(number);
  }
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) numbers.push_back(number);
  return numbers;
}

Result<Fd> OpenSignals(const std::vector<int>& numbers) {
  const sigset_t set = SetOf(numbers);
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return ErrnoError("catch signals");
  return fd;
}

Result<Fd> CatchSignals(std::vector<int> numbers) {
  std::erase_if(numbers, IsIgnored);
  BlockSignals(numbers);
  return OpenSignals(numbers);
}

void BlockSignals(const std::vector<int>& numbers) {
  const sigset_t set = SetOf(numbers);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void UnblockSignals(const std::vector<int>& numbers) {
  const sigset_t set = SetOf(numbers);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int TakeSignal(int signals_fd) {
  signalfd_siginfo info = {};
  const ssize_t size = ::read(signals_fd, &info, sizeof info);
  return size == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace boxlite::cli
