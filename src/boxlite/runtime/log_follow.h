// Following main.log while it grows: inotify says when, LogReader what.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "boxlite/base/result.h"
#include "boxlite/runtime/main_log.h"

namespace boxlite {

class LogFollower {
 public:
  // What is done with a record. An error is one of writing, and ends the following.
  using Take = std::function<Status(const LogRecord&)>;
  // Begins at the logical offset `from`.
  static Result<std::unique_ptr<LogFollower>> Create(kj::AsyncIoContext& io, int box_fd,
                                                     std::uint64_t from, Take take);
  // Records go to stdout_fd and stderr_fd as they are (-1: discarded).
  static Result<std::unique_ptr<LogFollower>> Create(kj::AsyncIoContext& io, int box_fd,
                                                     std::uint64_t from, int stdout_fd,
                                                     int stderr_fd);

  // Copies what is there and goes on as more comes. Never resolves by itself; rejects when the log
  // or the output fails: failure() then says why, with its code, which an exception cannot carry.
  kj::Promise<void> Run();
  const std::optional<Error>& failure() const { return failure_; }

  // Copies what is there now. After the writer is gone that is all.
  Status Drain();

 private:
  LogFollower(kj::AsyncIoContext& io, int box_fd, Fd watch, std::uint64_t from, Take take);

  Fd watch_;
  kj::UnixEventPort::FdObserver observer_;
  LogReader reader_;
  std::uint64_t begin_;
  Take take_;
  std::optional<Error> failure_;
};

}  // namespace boxlite
