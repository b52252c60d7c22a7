#include "boxlite/runtime/verb_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"

namespace boxlite {
namespace {

// For messages only, hence best effort: a full disk must not stop a stop.
void WriteHolder(int lock_fd, const std::string& verb) {
  const std::string note = EncodeHolder({static_cast<int>(::getpid()), verb});
  if (::ftruncate(lock_fd, 0) != 0) return;
  static_cast<void>(!::pwrite(lock_fd, note.data(), note.size(), 0));
}

std::string HolderInWords(int box_fd) {
  Result<std::string> note = ReadFile(box_fd, kVerbLock, kMaxDocumentBytes);
  if (!note.ok()) return "another process";
  Result<LockHolder> holder = DecodeHolder(*note);
  if (!holder.ok()) return "another process";
  return "`" + holder->verb + "` in process " + std::to_string(holder->pid);
}

}  // namespace

bool IsStillThere(const Home& home, const BoxId& id, int box_fd) {
  struct stat opened = {};
  struct stat named = {};
  return ::fstat(box_fd, &opened) == 0 &&
         ::fstatat(home.boxes_fd(), id.str().c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

Result<OfdLock> TakeVerbLock(const Home& home, const BoxId& id, int box_fd, const std::string& verb,
                             std::chrono::milliseconds wait) {
  Result<OfdLock> lock = OfdLock::Acquire(box_fd, kVerbLock, wait);
  if (!lock.ok() && lock.error().code() == ErrorCode::kTimeout) {
    return Error(ErrorCode::kTimeout, "box " + id.str() + " is being changed by " +
                                          HolderInWords(box_fd) + ", which has not finished in " +
                                          std::to_string(wait.count() / 1000) + " s");
  }
  const bool gone = !IsStillThere(home, id, box_fd);
  if (gone || (!lock.ok() && lock.error().code() == ErrorCode::kNotFound)) {
    return Error(ErrorCode::kNotFound, "no such box: " + id.str() + " (it was removed meanwhile)");
  }
  if (!lock.ok()) return std::move(lock).error().While("lock box " + id.str());
  WriteHolder(lock->fd(), verb);
  return lock;
}

}  // namespace boxlite
