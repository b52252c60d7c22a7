// Fd: owns one file descriptor. Everything that opens one in this project opens it close-on-exec;
// what a child is to inherit is said explicitly in base/spawn.h.
#pragma once

#include <unistd.h>

#include <utility>

#include "boxlite/base/result.h"

namespace boxlite {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct FdPair {
  Fd first;
  Fd second;
};

// All close-on-exec. For a pipe `first` is the read end.
Result<FdPair> MakePipe();
Result<FdPair> MakeSocketPair();
Result<Fd> DuplicateFd(int fd);

}  // namespace boxlite
