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
  using Take = std::function<Status(const LogRecord&)>;

  // Begins at the logical offset `from`. Each record goes to `take`, which may block.
  static Result<std::unique_ptr<LogFollower>> Create(kj::AsyncIoContext& io, int box_fd,
                                                     std::uint64_t from, Take take);

  // Called with the log's offset after each step in which something was taken.
  void OnTaken(std::function<void(std::uint64_t)> on_taken) { on_taken_ = std::move(on_taken); }

  // Copies what is there and goes on as more comes. Never resolves by itself; rejects when the log
  // or the output fails: failure() then says why, with its code, which an exception cannot carry.
  kj::Promise<void> Run();
  const std::optional<Error>& failure() const { return failure_; }

  // Copies what is there now. After the writer is gone that is all.
  Status Drain();

 private:
  LogFollower(kj::AsyncIoContext& io, int box_fd, Fd watch, std::uint64_t from, Take take);
  // At most so many bytes. True: there may be more.
  Result<bool> Step(std::uint64_t most);

  kj::Timer& timer_;
  Fd watch_;
  kj::UnixEventPort::FdObserver observer_;
  LogReader reader_;
  std::uint64_t begin_;
  Take take_;
  std::function<void(std::uint64_t)> on_taken_;
  std::optional<Error> failure_;
};

// A Take that copies the two streams to descriptors (-1: discarded) with blocking writes.
LogFollower::Take CopyTo(int stdout_fd, int stderr_fd);

}  // namespace boxlite
