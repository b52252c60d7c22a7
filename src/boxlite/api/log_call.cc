#include "boxlite/api/log_call.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "boxlite/api/call.h"
#include "boxlite/base/fd.h"

namespace boxlite::v0::internal {
namespace {

// The runtime writes to two pipes, a thread beside it reads them: it is that thread that calls
// back.
class LogCall final : public Call, public std::enable_shared_from_this<LogCall> {
 public:
  LogCall(std::shared_ptr<Core> core, std::string box_id, const LogOptions& options,
          Box::LogCallback on_output)
      : core_(std::move(core)),
        box_id_(std::move(box_id)),
        options_(options),
        on_output_(std::move(on_output)) {}

  void Run(inner::Runtime& runtime) override {
    inner::Result<inner::FdPair> out = inner::MakePipe();
    inner::Result<inner::FdPair> err = inner::MakePipe();
    if (!out.ok()) return Refuse(ToPublic(out.error()));
    if (!err.ok()) return Refuse(ToPublic(err.error()));
    std::thread reader;
    try {
      reader = std::thread(
          [this, from_out = std::move(out->first), from_err = std::move(err->first)]() mutable {
            ReadBoth(std::move(from_out), std::move(from_err));
          });
    } catch (const std::system_error& error) {
      return Refuse(
          Error(ErrorCode::kResourceExhausted, std::string("start a thread: ") + error.what()));
    }
    inner::LogOptions options;
    options.follow = options_.follow;
    options.tail_lines = options_.tail_lines;
    options.stdout_fd = out->second.get();
    options.stderr_fd = err->second.get();
    Status status = ToPublic(runtime.Logs(*inner::BoxId::Parse(box_id_), options));
    out->second.Reset();
    err->second.Reset();
    reader.join();
    const std::lock_guard lock(mutex_);
    end_ = std::move(status);
    changed_.notify_all();
  }

  void Refuse(const Error& why) override {
    const std::lock_guard lock(mutex_);
    end_ = why;
    changed_.notify_all();
  }

  Status Await(Timeout timeout) {
    const Deadline deadline = DeadlineAfter(timeout);
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool late = !WaitFor(changed_, lock, TimeLeft(deadline),
                                 [this] { return !output_.empty() || end_.has_value(); });
      if (late) break;
      if (output_.empty()) return *end_;
      const Piece piece = std::move(output_.front());
      output_.pop_front();
      held_ -= piece.bytes.size();
      changed_.notify_all();
      lock.unlock();
      const bool more = on_output_(piece.stream, piece.bytes);
      lock.lock();
      if (!more) {
        GiveUpLocked(lock);
        return {};
      }
    }
    GiveUpLocked(lock);
    return Late("read the log of box " + box_id_, timeout);
  }

 private:
  struct Piece {
    Stream stream;
    std::string bytes;
  };

  void GiveUpLocked(std::unique_lock<std::mutex>& lock) {
    left_ = true;
    changed_.notify_all();
    lock.unlock();
    core_->Interrupt(shared_from_this());
    lock.lock();
    changed_.wait(lock, [this] { return end_.has_value(); });
  }

  // False: nobody wants more.
  bool Keep(Stream stream, std::string_view bytes) {
    constexpr std::size_t kMostHeld = 1024 * 1024;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_ < kMostHeld || left_; });
    if (left_) return false;
    output_.push_back({stream, std::string(bytes)});
    held_ += bytes.size();
    changed_.notify_all();
    return true;
  }

  void ReadBoth(inner::Fd out, inner::Fd err) {
    char buffer[64 * 1024];
    while (out.valid() || err.valid()) {
      pollfd pollers[] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
      if (::poll(pollers, 2, -1) < 0) continue;
      for (inner::Fd* pipe : {&out, &err}) {
        if (pollers[pipe == &err].revents == 0) continue;
        const ssize_t count = ::read(pipe->get(), buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
          pipe->Reset();
        } else if (!Keep(pipe == &out ? Stream::kStdout : Stream::kStderr,
                         {buffer, static_cast<std::size_t>(count)})) {
          return;
        }
      }
    }
  }

  const std::shared_ptr<Core> core_;
  const std::string box_id_;
  const LogOptions options_;
  const Box::LogCallback on_output_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> output_;
  std::size_t held_ = 0;
  bool left_ = false;
  std::optional<Status> end_;
};

}  // namespace

Status FollowLog(const std::shared_ptr<Core>& core, const std::string& box_id,
                 const LogOptions& options, Box::LogCallback on_output, Timeout timeout) {
  if (Status usable = core->Usable(); !usable.ok()) return usable;
  auto call = std::make_shared<LogCall>(core, box_id, options, std::move(on_output));
  core->Post(call);
  return call->Await(timeout);
}

}  // namespace boxlite::v0::internal
