#include "boxlite/base/interrupt.h"

#include <poll.h>

#include <utility>

namespace boxlite {
namespace {

thread_local int current_fd = -1;

}  // namespace

ScopedInterrupt::ScopedInterrupt(int fd) : before_(std::exchange(current_fd, fd)) {}

ScopedInterrupt::~ScopedInterrupt() { current_fd = before_; }

int CurrentInterrupt() { return current_fd; }

bool Interrupted() {
  pollfd poller = {current_fd, POLLIN, 0};
  return current_fd >= 0 && ::poll(&poller, 1, 0) > 0;
}

Error InterruptedError() { return {ErrorCode::kUnavailable, "given up while it was waiting"}; }

}  // namespace boxlite
