#include "boxlite/shim/box_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

Status Watch(int inotify, int directory_fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(directory_fd);
  if (::inotify_add_watch(inotify, path.c_str(), IN_DELETE | IN_MOVED_FROM) < 0) {
    return ErrnoError("watch the box's directory");
  }
  return {};
}

}  // namespace

BoxWatch::BoxWatch(kj::UnixEventPort& port, Fd inotify, int boxes_fd, int box_fd,
                   std::string box_name)
    : inotify_(std::move(inotify)),
      observer_(port, inotify_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      boxes_fd_(boxes_fd),
      box_fd_(box_fd),
      box_name_(std::move(box_name)) {}

Result<kj::Own<BoxWatch>> BoxWatch::Create(kj::UnixEventPort& port, int boxes_fd, int box_fd,
                                           std::string box_name) {
  Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) {
    return Error(ErrorCode::kResourceExhausted,
                 "no inotify instance left: raise fs.inotify.max_user_instances");
  }
  BOXLITE_RETURN_IF_ERROR(Watch(inotify.get(), boxes_fd));
  BOXLITE_RETURN_IF_ERROR(Watch(inotify.get(), box_fd));
  return kj::heap<BoxWatch>(port, std::move(inotify), boxes_fd, box_fd, std::move(box_name));
}

bool BoxWatch::IsGone() const {
  struct stat ours = {};
  struct stat named = {};
  if (::fstat(box_fd_, &ours) != 0) return true;
  if (::fstatat(boxes_fd_, box_name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return true;
  if (ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) return true;
  for (const char* lock : {kShimLock, kVmLock}) {
    if (::fstatat(box_fd_, lock, &named, AT_SYMLINK_NOFOLLOW) != 0) return true;
  }
  return false;
}

kj::Promise<BoxWatch::Change> BoxWatch::Next() {
  return observer_.whenBecomesReadable().then([this]() {
    char events[4096];
    while (::read(inotify_.get(), events, sizeof events) > 0) {
    }
    return IsGone() ? Change::kGone : Change::kSomethingDeleted;
  });
}

}  // namespace boxlite
