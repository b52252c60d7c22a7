// Locks that belong to an open file description (fcntl F_OFD_SETLK): they last until the last
// descriptor of that description is closed, in whatever process it is. That is what makes them
// evidence: no pid is involved, and the kernel releases them at any death.
#pragma once

#include <chrono>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

enum class LockState { kFree, kHeld };

// Whether anybody holds a lock on `name` in the directory `dir_fd`. Never blocks, never takes
// the lock, writes nothing. A file that does not exist is free.
Result<LockState> ProbeLock(int dir_fd, const std::string& name);

// A lock file opened to be probed, maybe often; invalid for one that does not exist.
Result<Fd> OpenLock(int dir_fd, const std::string& name);

// The same through an open descriptor. A lock of the descriptor's own description reads as free.
Result<LockState> ProbeLock(int fd);

// kShared: with others that share it, against those that want it alone.
enum class LockMode { kExclusive, kShared };

// A held lock. Destroying it closes its descriptor: the lock is then free unless a child has
// inherited the description.
class OfdLock {
 public:
  // Tries once. kConflict when another description holds it. `name` must exist: lock files are made
  // only when a box is created, so that a lock on a removed box can be told. After the lock is had,
  // path and inode are compared again: kNotFound when the file was replaced or removed meanwhile.
  static Result<OfdLock> TryAcquire(int dir_fd, const std::string& name,
                                    LockMode mode = LockMode::kExclusive);

  // Like TryAcquire, retried by short polls until the lock is had or `wait` is over (kTimeout). The
  // kernel has no OFD lock with a deadline; this is the one place of the project that polls.
  static Result<OfdLock> Acquire(int dir_fd, const std::string& name,
                                 std::chrono::milliseconds wait,
                                 LockMode mode = LockMode::kExclusive);

  // Takes over a descriptor whose description already holds the lock (inherited from a parent).
  static OfdLock Adopt(Fd fd) { return OfdLock(std::move(fd)); }

  int fd() const { return fd_.get(); }

 private:
  explicit OfdLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace boxlite
