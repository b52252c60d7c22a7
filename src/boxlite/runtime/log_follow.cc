#include "boxlite/runtime/log_follow.h"

#include <kj/debug.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "boxlite/base/fd_path.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// Between two looks at everything else that may have happened. A few of them fit into what main may
// run ahead (shim/log_gate.h), so that it goes on while its output is being shown.
constexpr std::uint64_t kStepBytes = 512 * 1024;

}  // namespace

LogFollower::Take CopyTo(int stdout_fd, int stderr_fd) {
  return [stdout_fd, stderr_fd](const LogRecord& record) -> Status {
    const int fd = record.stream == LogStream::kStdout ? stdout_fd : stderr_fd;
    if (fd < 0) return {};
    return WriteAll(fd, record.bytes);
  };
}

LogFollower::LogFollower(kj::AsyncIoContext& io, int box_fd, Fd watch, std::uint64_t from,
                         Take take)
    : timer_(io.provider->getTimer()),
      watch_(std::move(watch)),
      observer_(io.unixEventPort, watch_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      reader_(box_fd, from),
      begin_(from),
      take_(std::move(take)) {}

Result<std::unique_ptr<LogFollower>> LogFollower::Create(kj::AsyncIoContext& io, int box_fd,
                                                         std::uint64_t from, Take take) {
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) {
    return Error(
        ErrorCode::kResourceExhausted,
        "cannot watch the log: too many inotify instances (fs.inotify.max_user_instances)");
  }
  const std::string box = FdPath(box_fd);
  if (::inotify_add_watch(watch.get(), box.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
    return ErrnoError("watch the log");
  }
  return std::unique_ptr<LogFollower>(
      new LogFollower(io, box_fd, std::move(watch), from, std::move(take)));
}

Result<bool> LogFollower::Step(std::uint64_t most) {
  const bool from_start = reader_.position() == 0;
  BOXLITE_ASSIGN_OR_RETURN(LogReader::Progress progress, reader_.ReadAvailable(take_, most));
  // Old output that rotation removed long ago is nobody's loss; output lost while following is.
  if (progress.dropped > 0 && !(from_start && begin_ == 0)) {
    return Error(
        ErrorCode::kResourceExhausted,
        std::to_string(progress.dropped) +
            " bytes of output were rotated away before they could be written: read faster");
  }
  if (progress.any && on_taken_) on_taken_(reader_.position());
  return progress.more;
}

Status LogFollower::Drain() {
  BOXLITE_ASSIGN_OR_RETURN(bool more, Step(~std::uint64_t{0}));
  static_cast<void>(more);
  return {};
}

kj::Promise<void> LogFollower::Run() {
  char events[4096];
  while (::read(watch_.get(), events, sizeof events) > 0) {
  }
  // Read after the events were taken: what is written from here on makes a new event.
  Result<bool> more = Step(kStepBytes);
  if (!more.ok()) {
    failure_ = std::move(more).error();
    return KJ_EXCEPTION(FAILED, "the log's follower failed");
  }
  // Through the timer, not evalLater(): descriptors are looked at only when nothing else is ready.
  if (*more) return timer_.afterDelay(0 * kj::SECONDS).then([this]() { return Run(); });
  return observer_.whenBecomesReadable().then([this]() { return Run(); });
}

}  // namespace boxlite
