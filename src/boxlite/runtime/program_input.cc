#include "boxlite/runtime/program_input.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "boxlite/base/files.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kInputChunk = 64 * 1024;

bool ReadableNow(int fd) {
  pollfd poller = {fd, POLLIN, 0};
  return ::poll(&poller, 1, 0) > 0;
}

// epoll refuses files and /dev/null: they are always readable.
bool CanBeAwaited(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 &&
         (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(fd) == 1);
}

}  // namespace

Status WriteOutput(const OutputTarget& target, std::string_view bytes) {
  if (target.write) return target.write(bytes);
  if (target.fd < 0) return {};
  return WriteAll(target.fd, bytes);
}

std::string DetachScanner::Feed(std::string_view bytes) {
  if (keys_.empty()) return std::string(bytes);
  std::string passed;
  for (const char byte : bytes) {
    if (found_) break;
    held_.push_back(byte);
    while (!keys_.starts_with(held_)) {
      passed.push_back(held_.front());
      held_.erase(0, 1);
    }
    found_ = held_.size() == keys_.size();
  }
  return passed;
}

std::string DetachScanner::Rest() { return found_ ? "" : std::exchange(held_, ""); }

InputPump::InputPump(kj::AsyncIoContext& io, int fd, wire::ByteSink::Client sink,
                     std::string detach_keys, std::function<void()> on_detach)
    : fd_(fd),
      sink_(kj::mv(sink)),
      scanner_(std::move(detach_keys)),
      on_detach_(std::move(on_detach)) {
  if (CanBeAwaited(fd)) {
    observer_.emplace(io.unixEventPort, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  }
}

kj::Promise<void> InputPump::Send(const std::string& bytes) {
  if (bytes.empty()) return kj::READY_NOW;
  auto request = sink_.writeRequest(capnp::MessageSize{bytes.size() / 8 + 16, 0});
  request.setBytes(AsBytes(bytes));
  return request.send();
}

kj::Promise<void> InputPump::End() {
  return Send(scanner_.Rest()).then([this]() { return sink_.endRequest().send().ignoreResult(); });
}

kj::Promise<void> InputPump::Run() {
  if (observer_ && !ReadableNow(fd_)) {
    return observer_->whenBecomesReadable().then([this]() { return Run(); });
  }
  char buffer[kInputChunk];
  const ssize_t count = ::read(fd_, buffer, sizeof buffer);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return kj::evalLater([this]() { return Run(); });
  }
  if (count <= 0) return End();
  return Send(scanner_.Feed({buffer, static_cast<std::size_t>(count)}))
      .then([this]() -> kj::Promise<void> {
        if (!scanner_.found()) return Run();
        on_detach_();
        return kj::READY_NOW;
      });
}

ControlWatch::ControlWatch(kj::AsyncIoContext& io, const std::vector<ControlSource>& sources,
                           ProgramControls& controls)
    : controls_(controls) {
  for (const ControlSource& source : sources) {
    Watched& watched = watched_.emplace_back(io, source);
    watched.watching = Watch(watched).eagerlyEvaluate(nullptr);
  }
}

kj::Promise<void> ControlWatch::Watch(Watched& watched) {
  if (ReadableNow(watched.source.fd)) {
    watched.source.on_readable(controls_);
    return kj::evalLater([this, &watched]() { return Watch(watched); });
  }
  return watched.observer.whenBecomesReadable().then([this, &watched]() { return Watch(watched); });
}

}  // namespace boxlite
