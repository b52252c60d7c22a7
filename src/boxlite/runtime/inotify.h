// Inotify: the kernel's notifications of changes in directories.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct Notification {
  int watch = -1;  // -1: the queue overflowed
  std::uint32_t mask = 0;
  std::string name;  // in the watched directory; may be empty
};

class Inotify {
 public:
  // kResourceExhausted names the limit that was met.
  static Result<Inotify> Create();

  int fd() const { return fd_.get(); }  // readable when there are notifications

  // Of an open directory. Watching one again gives the number that it has, with the new mask.
  // kNotFound: it was deleted; kResourceExhausted names the limit that was met.
  Result<int> Watch(int directory_fd, std::uint32_t mask);
  // A watch whose directory is gone is fine.
  void Forget(int watch);

  // All that came, without blocking.
  Status TakeAll(const std::function<void(const Notification&)>& take);

 private:
  explicit Inotify(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace boxlite
