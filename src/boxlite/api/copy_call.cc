#include "boxlite/api/copy_call.h"

#include <condition_variable>
#include <mutex>
#include <optional>

#include "boxlite/api/call.h"

namespace boxlite::v0::internal {
namespace {

// A worker copies; it is the embedder's thread, with the embedder's descriptors, that calls back.
// Of what it was too slow for it gets the newest only.
class CopyCall final : public Call, public std::enable_shared_from_this<CopyCall> {
 public:
  CopyCall(std::shared_ptr<Core> core, std::string box_id, inner::CopyOptions way)
      : core_(std::move(core)), box_id_(std::move(box_id)), way_(std::move(way)) {}

  void Run(inner::Runtime& runtime) override {
    way_.on_progress = [this](std::uint64_t bytes, std::uint64_t total) {
      const std::lock_guard lock(mutex_);
      news_ = Progress{bytes, total};
      changed_.notify_all();
    };
    End(ToPublic(runtime.Copy(*inner::BoxId::Parse(box_id_), way_)));
  }
  void Refuse(const Error& why) override { End(why); }

  Result<CopyReport> Await(const CopyOptions& options, Timeout timeout) {
    const Deadline deadline = DeadlineAfter(timeout);
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool late = !WaitFor(changed_, lock, TimeLeft(deadline),
                                 [this] { return news_.has_value() || end_.has_value(); });
      if (late) break;
      if (const std::optional<Progress> news = std::exchange(news_, std::nullopt)) {
        lock.unlock();
        if (options.on_progress) options.on_progress(news->bytes, news->total);
        lock.lock();
        continue;
      }
      return *end_;
    }
    lock.unlock();
    core_->Interrupt(shared_from_this());
    lock.lock();
    changed_.wait(lock, [this] { return end_.has_value(); });
    return Late("copy files of box " + box_id_, timeout);
  }

 private:
  struct Progress {
    std::uint64_t bytes;
    std::uint64_t total;
  };

  void End(Result<CopyReport> end) {
    const std::lock_guard lock(mutex_);
    end_.emplace(std::move(end));
    changed_.notify_all();
  }

  const std::shared_ptr<Core> core_;
  const std::string box_id_;
  inner::CopyOptions way_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Progress> news_;
  std::optional<Result<CopyReport>> end_;
};

}  // namespace

Result<CopyReport> CopyFiles(const std::shared_ptr<Core>& core, const std::string& box_id,
                             inner::CopyOptions way, CopyOptions options, Timeout timeout) {
  if (Status usable = core->Usable(); !usable.ok()) return usable.error();
  way.follow_link = options.follow_link;
  way.keep_owners = options.keep_owners;
  auto call = std::make_shared<CopyCall>(core, box_id, std::move(way));
  core->Post(call);
  return call->Await(options, timeout);
}

}  // namespace boxlite::v0::internal
