#include "boxlite/runtime/log_follow.h"

#include <kj/debug.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "boxlite/base/files.h"

namespace boxlite {

LogFollower::LogFollower(kj::AsyncIoContext& io, int box_fd, Fd watch, std::uint64_t from,
                         Take take)
    : watch_(std::move(watch)),
      observer_(io.unixEventPort, watch_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      reader_(box_fd, from),
      begin_(from),
      take_(std::move(take)) {}

Result<std::unique_ptr<LogFollower>> LogFollower::Create(kj::AsyncIoContext& io, int box_fd,
                                                         std::uint64_t from, int stdout_fd,
                                                         int stderr_fd) {
  return Create(io, box_fd, from, [stdout_fd, stderr_fd](const LogRecord& record) -> Status {
    const int fd = record.stream == LogStream::kStdout ? stdout_fd : stderr_fd;
    return fd < 0 ? Status() : WriteAll(fd, record.bytes);
  });
}

Result<std::unique_ptr<LogFollower>> LogFollower::Create(kj::AsyncIoContext& io, int box_fd,
                                                         std::uint64_t from, Take take) {
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) {
    return Error(
        ErrorCode::kResourceExhausted,
        "cannot watch the log: too many inotify instances (fs.inotify.max_user_instances)");
  }
  const std::string box = "/proc/self/fd/" + std::to_string(box_fd);
  if (::inotify_add_watch(watch.get(), box.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
    return ErrnoError("watch the log");
  }
  return std::unique_ptr<LogFollower>(
      new LogFollower(io, box_fd, std::move(watch), from, std::move(take)));
}

Status LogFollower::Drain() {
  const bool from_start = reader_.position() == 0;
  BOXLITE_ASSIGN_OR_RETURN(LogReader::Progress progress, reader_.ReadAvailable(take_));
  // Old output that rotation removed long ago is nobody's loss; output lost while following is.
  if (progress.dropped > 0 && !(from_start && begin_ == 0)) {
    return Error(
        ErrorCode::kResourceExhausted,
        std::to_string(progress.dropped) +
            " bytes of output were rotated away before they could be written: read faster");
  }
  return {};
}

kj::Promise<void> LogFollower::Run() {
  char events[4096];
  while (::read(watch_.get(), events, sizeof events) > 0) {
  }
  // Read after the events were taken: what is written from here on makes a new event.
  if (Status drained = Drain(); !drained.ok()) {
    failure_ = std::move(drained).error();
    return KJ_EXCEPTION(FAILED, "the log's follower failed");
  }
  return observer_.whenBecomesReadable().then([this]() { return Run(); });
}

}  // namespace boxlite
