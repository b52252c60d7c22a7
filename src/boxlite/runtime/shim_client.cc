#include "boxlite/runtime/shim_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boxlite/base/files.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite {
namespace {

constexpr std::size_t kStdinChunk = 64 * 1024;

Result<Fd> ConnectSocket(int box_fd, std::chrono::milliseconds timeout) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoError("make a socket");
  // A full backlog blocks connect(): a stopped shim must not hang its callers.
  timeval limit = {};
  limit.tv_sec = static_cast<time_t>(timeout.count() / 1000);
  limit.tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  // Through the descriptor: sun_path holds 107 bytes, a home may be longer.
  const std::string path = "/proc/self/fd/" + std::to_string(box_fd) + "/" + kSocketFile;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error(ErrorCode::kUnavailable,
                 std::string("the box's supervisor cannot be reached: ") + std::strerror(errno));
  }
  return fd;
}

class FdSink final : public wire::ByteSink::Server {
 public:
  FdSink(int fd, kj::Function<void()> on_broken) : fd_(fd), on_broken_(kj::mv(on_broken)) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    if (fd_ < 0) return kj::READY_NOW;
    if (!WriteAll(fd_, AsText(bytes)).ok()) {
      fd_ = -1;
      on_broken_();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }

 private:
  int fd_;
  kj::Function<void()> on_broken_;
};

bool ReadableNow(int fd) {
  pollfd poller = {fd, POLLIN, 0};
  return ::poll(&poller, 1, 0) > 0;
}

class FdPump {
 public:
  FdPump(kj::AsyncIoContext& io, int fd, wire::ByteSink::Client sink)
      : fd_(fd), sink_(kj::mv(sink)) {
    struct stat info = {};
    const bool waits = ::fstat(fd, &info) == 0 && !S_ISREG(info.st_mode) &&
                       (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(fd) == 1);
    // epoll refuses files and /dev/null: they are always readable.
    if (waits) observer_.emplace(io.unixEventPort, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  }

  kj::Promise<void> Run() {
    if (observer_ && !ReadableNow(fd_)) {
      return observer_->whenBecomesReadable().then([this]() { return Run(); });
    }
    char buffer[kStdinChunk];
    const ssize_t count = ::read(fd_, buffer, sizeof buffer);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
      return kj::evalLater([this]() { return Run(); });
    }
    if (count <= 0) return sink_.endRequest().send().ignoreResult();
    auto request = sink_.writeRequest();
    request.setBytes(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(buffer), static_cast<std::size_t>(count)));
    return request.send().then([this]() { return Run(); });
  }

 private:
  int fd_;
  wire::ByteSink::Client sink_;
  std::optional<kj::UnixEventPort::FdObserver> observer_;
};

}  // namespace

ShimClient::ShimClient(kj::AsyncIoContext& io, kj::Own<kj::AsyncIoStream> stream)
    : io_(io),
      stream_(kj::mv(stream)),
      client_(*stream_),
      shim_(client_.bootstrap().castAs<wire::Shim>()) {}

Result<std::unique_ptr<ShimClient>> ShimClient::Connect(kj::AsyncIoContext& io, int box_fd,
                                                        const BoxId& id,
                                                        std::optional<std::string> life_id,
                                                        std::chrono::milliseconds timeout) {
  BOXLITE_ASSIGN_OR_RETURN(Fd fd, ConnectSocket(box_fd, timeout));
  kj::Own<kj::AsyncIoStream> stream = io.lowLevelProvider->wrapSocketFd(
      fd.Release(),
      kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  std::unique_ptr<ShimClient> client(new ShimClient(io, kj::mv(stream)));
  auto request = client->shim().helloRequest();
  request.setProtocolVersion(kShimProtocolVersion);
  using Answer = capnp::Response<wire::Shim::HelloResults>;
  Result<Answer> answer = client->Await<Answer>(request.send(), timeout);
  if (!answer.ok()) {
    return Error(ErrorCode::kUnavailable,
                 "the box's supervisor does not answer: " + answer.error().message());
  }
  const std::string box_said = answer->getBoxId().cStr();
  const std::string life_said = answer->getLifeId().cStr();
  if (box_said != id.str() || (life_id && *life_id != life_said)) {
    return Error(ErrorCode::kConflict, "another supervisor answers on the box's socket");
  }
  return client;
}

ProcessExit FromWireExit(wire::ExitStatus::Reader exit) {
  ProcessExit result;
  if (exit.isSignal()) {
    result.signal = exit.getSignal();
  } else {
    result.code = exit.getCode();
  }
  return result;
}

wire::ByteSink::Client NewFdSink(int fd, kj::Function<void()> on_broken) {
  return kj::heap<FdSink>(fd, kj::mv(on_broken));
}

kj::Promise<void> PumpFd(kj::AsyncIoContext& io, int fd, wire::ByteSink::Client sink) {
  auto pump = kj::heap<FdPump>(io, fd, kj::mv(sink));
  kj::Promise<void> running = pump->Run();
  return running.attach(kj::mv(pump));
}

}  // namespace boxlite
