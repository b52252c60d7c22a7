#include "boxlite/runtime/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boxlite/base/fd_path.h"

namespace boxlite {

Result<Inotify> Inotify::Create() {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (fd.valid()) return Inotify(std::move(fd));
  if (errno != EMFILE) return ErrnoError("watch for changes");
  return Error(ErrorCode::kResourceExhausted,
               "no inotify instance, or descriptor, is left: raise "
               "fs.inotify.max_user_instances, or ulimit -n");
}

Result<int> Inotify::Watch(int directory_fd, std::uint32_t mask) {
  const std::string path = FdPath(directory_fd);
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask | IN_ONLYDIR);
  if (watch >= 0) return watch;
  if (errno != ENOSPC) return ErrnoError("watch a directory");
  return Error(ErrorCode::kResourceExhausted,
               "no inotify watch is left, of which each box takes three: raise "
               "fs.inotify.max_user_watches");
}

void Inotify::Forget(int watch) { ::inotify_rm_watch(fd_.get(), watch); }

Status Inotify::TakeAll(const std::function<void(const Notification&)>& take) {
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(fd_.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return {};
    if (size <= 0) return ErrnoError("read notifications");
    for (ssize_t at = 0; at < size;) {
      inotify_event event = {};
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      take({event.wd, event.mask, event.len == 0 ? "" : std::string(name)});
      at += static_cast<ssize_t>(sizeof event) + static_cast<ssize_t>(event.len);
    }
  }
}

}  // namespace boxlite
