#include "boxlite/base/ofd_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

#include "boxlite/base/interrupt.h"

namespace boxlite {
namespace {

// Short enough that a waiting verb starts at once for a person, long enough to cost nothing.
constexpr std::chrono::milliseconds kPollInterval{5};

struct flock WholeFile(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<LockState> ProbeLock(int fd) {
  struct flock lock = WholeFile(F_WRLCK);
  if (::fcntl(fd, F_OFD_GETLK, &lock) != 0) return ErrnoError("probe a lock");
  return lock.l_type == F_UNLCK ? LockState::kFree : LockState::kHeld;
}

Result<Fd> OpenLock(int dir_fd, const std::string& name) {
  Fd fd(::openat(dir_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno != ENOENT) return ErrnoError("open the lock " + name);
  return fd;
}

Result<LockState> ProbeLock(int dir_fd, const std::string& name) {
  BOXLITE_ASSIGN_OR_RETURN(Fd fd, OpenLock(dir_fd, name));
  return fd.valid() ? ProbeLock(fd.get()) : LockState::kFree;
}

Result<OfdLock> OfdLock::TryAcquire(int dir_fd, const std::string& name, LockMode mode) {
  Fd fd(::openat(dir_fd, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return ErrnoError("open the lock " + name);
  struct flock lock = WholeFile(mode == LockMode::kShared ? F_RDLCK : F_WRLCK);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return Error(ErrorCode::kConflict, name + " is held by another process");
    }
    return ErrnoError("take the lock " + name);
  }
  struct stat held = {};
  struct stat named = {};
  if (::fstat(fd.get(), &held) != 0) return ErrnoError("stat the lock " + name);
  if (::fstatat(dir_fd, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 ||
      held.st_ino != named.st_ino || held.st_dev != named.st_dev) {
    return Error(ErrorCode::kNotFound, name + " was removed while it was being locked");
  }
  return OfdLock(std::move(fd));
}

Result<OfdLock> OfdLock::Acquire(int dir_fd, const std::string& name,
                                 std::chrono::milliseconds wait, LockMode mode) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    Result<OfdLock> lock = TryAcquire(dir_fd, name, mode);
    if (lock.ok() || lock.error().code() != ErrorCode::kConflict) return lock;
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(ErrorCode::kTimeout, name + " is still held by another process");
    }
    if (Interrupted()) return InterruptedError();
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace boxlite
