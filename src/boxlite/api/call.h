// A call that gives back one value: run by a worker, waited for by an embedder's thread, with a
// deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "boxlite/api/core.h"

namespace boxlite::v0::internal {

constexpr Timeout kAsGoodAsForever = std::chrono::hours(24 * 365 * 10);

// Waits on `ready` until `done()` or the timeout's end; false: the latter.
template <typename Predicate>
bool WaitFor(std::condition_variable& ready, std::unique_lock<std::mutex>& lock, Timeout timeout,
             Predicate done) {
  if (timeout >= kAsGoodAsForever) {
    ready.wait(lock, done);
    return true;
  }
  return ready.wait_until(lock, std::chrono::steady_clock::now() + timeout, done);
}

// For calls that wait more than once. Nothing: kForever, or so far away that a clock overflows.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

inline Deadline DeadlineAfter(Timeout timeout) {
  if (timeout >= kAsGoodAsForever) return std::nullopt;
  return std::chrono::steady_clock::now() + timeout;
}

inline Timeout TimeLeft(const Deadline& deadline) {
  if (!deadline) return kForever;
  const auto left = *deadline - std::chrono::steady_clock::now();
  return std::max(Timeout(0), std::chrono::ceil<Timeout>(left));
}

inline Error Late(const std::string& what, Timeout timeout) {
  return {ErrorCode::kTimeout,
          what + ": not done within " + std::to_string(timeout.count()) + " ms"};
}

template <typename R>
class ValueCall final : public Call {
 public:
  using Work = std::function<R(inner::Runtime&)>;
  // `undo` takes back what `work` did for a caller that has left meanwhile.
  using Undo = std::function<void(inner::Runtime&, R&)>;
  ValueCall(Work work, Undo undo) : work_(std::move(work)), undo_(std::move(undo)) {}

  void Run(inner::Runtime& runtime) override {
    R result = work_(runtime);
    if (!Settle(result) && undo_) undo_(runtime, result);
  }
  void Refuse(const Error& why) override {
    R result(why);
    static_cast<void>(Settle(result));
  }

  // Nothing: the time was over, and the caller has left.
  std::optional<R> Await(Timeout timeout) {
    std::unique_lock lock(mutex_);
    if (WaitFor(ready_, lock, timeout, [this] { return result_.has_value(); })) {
      return std::move(result_);
    }
    left_ = true;
    return std::nullopt;
  }
  // Before it is posted.
  std::future<R> Future() { return promise_.emplace().get_future(); }

 private:
  bool Settle(R& result) {
    const std::lock_guard lock(mutex_);
    if (left_) return false;
    if (promise_) {
      promise_->set_value(std::move(result));
    } else {
      result_.emplace(std::move(result));
      ready_.notify_all();
    }
    return true;
  }

  const Work work_;
  const Undo undo_;
  std::mutex mutex_;
  std::condition_variable ready_;
  bool left_ = false;
  std::optional<R> result_;
  std::optional<std::promise<R>> promise_;
};

// `what` for the message of a kTimeout: "start box x".
template <typename R>
R Ask(const std::shared_ptr<Core>& core, const std::string& what, Timeout timeout,
      typename ValueCall<R>::Work work, typename ValueCall<R>::Undo undo = nullptr) {
  if (Status usable = core->Usable(); !usable.ok()) return usable.error();
  auto call = std::make_shared<ValueCall<R>>(std::move(work), std::move(undo));
  core->Post(call);
  std::optional<R> result = call->Await(timeout);
  if (result) return std::move(*result);
  core->Interrupt(call);
  return Late(what, timeout);
}

template <typename R>
std::future<R> AskLater(const std::shared_ptr<Core>& core, typename ValueCall<R>::Work work) {
  if (Status usable = core->Usable(); !usable.ok()) {
    std::promise<R> refused;
    refused.set_value(usable.error());
    return refused.get_future();
  }
  auto call = std::make_shared<ValueCall<R>>(std::move(work), nullptr);
  std::future<R> future = call->Future();
  core->Post(call);
  return future;
}

}  // namespace boxlite::v0::internal
