#include "boxlite/shim/box_socket.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

constexpr int kBacklog = 128;
// Long enough for a client to leave, short enough for a person who waits.
constexpr kj::Duration kAcceptPause = 100 * kj::MILLISECONDS;

}  // namespace

Status BoxSocket::Bind() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoError("make the box's socket");
  Unlink();
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(box_fd_) + "/" + kSocketFile;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ErrnoError("bind the box's socket");
  }
  if (::listen(fd.get(), kBacklog) != 0) return ErrnoError("listen on the box's socket");
  // The old receiver first: its accept loop must not outlive it.
  tasks_ = nullptr;
  receiver_ =
      io_.wrapListenSocketFd(fd.Release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                               kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                               kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK);
  tasks_ = Accept().eagerlyEvaluate(
      [](kj::Exception&& exception) { KJ_LOG(ERROR, "the box's socket failed", exception); });
  return {};
}

kj::Promise<void> BoxSocket::Accept() {
  // kj tries the first accept at once, and throws when it fails: a rejection like any other.
  return kj::evalNow([this]() { return server_.listen(*receiver_); })
      .catch_([this](kj::Exception&& exception) {
        KJ_LOG(ERROR, "a client could not be accepted", exception);
        return timer_.afterDelay(kAcceptPause).then([this]() { return Accept(); });
      });
}

Status BoxSocket::RebindIfGone() {
  struct stat info = {};
  if (::fstatat(box_fd_, kSocketFile, &info, AT_SYMLINK_NOFOLLOW) == 0) return {};
  return Bind();
}

void BoxSocket::Unlink() { ::unlinkat(box_fd_, kSocketFile, 0); }

}  // namespace boxlite
