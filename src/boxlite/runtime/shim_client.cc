#include "boxlite/runtime/shim_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boxlite/base/fd_path.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite {
namespace {

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
  // Through the descriptor: sun_path holds 107 bytes, a home may be longer. A thread may have
  // descriptors of its own (api/core.h).
  const std::string path = FdPath(box_fd) + "/" + kSocketFile;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error(ErrorCode::kUnavailable,
                 std::string("the box's supervisor cannot be reached: ") + std::strerror(errno));
  }
  return fd;
}

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

}  // namespace boxlite
