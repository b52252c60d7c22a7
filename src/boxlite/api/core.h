// Core: what one public Runtime and its boxes and executions share: threads of the library's own,
// each with a runtime/runtime.h Runtime, that run calls handed over by the embedder's threads.
//
// The threads share one table of descriptors, and not the embedder's (close_range with
// CLOSE_RANGE_UNSHARE). So nothing of the library's can leak into a program that the embedder forks
// or starts, nothing of the embedder's into a box, and an embedder that closes all descriptors, or
// has none of 0 to 2 open, does no harm. The price: NO THREAD OF THE EMBEDDER'S MAY USE OR CLOSE A
// DESCRIPTOR OF THE LIBRARY'S. It would hit one of the embedder's. Hence an embedder's thread talks
// with a worker through memory only, and a thread of the library's, the courier, turns that into
// writes to the eventfds that workers wait for.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "boxlite/api/convert.h"
#include "boxlite/runtime/attached_lives.h"

namespace boxlite::v0::internal {

// One thing that a worker does. Held by the core until it is done.
class Call {
 public:
  virtual ~Call() = default;
  virtual void Run(inner::Runtime& runtime) = 0;  // on a worker; must not throw
  virtual void Refuse(const Error& why) = 0;      // instead of Run(); on any thread
  virtual void GiveUp() {}                        // ends waits of Run() for memory; on any thread

 protected:
  // For Run(): readable after Core::Wake().
  int control_fd() const { return control_fd_; }

 private:
  friend class Core;
  // Guarded by the core's mutex. The descriptors are the library's; -1 while it does not run.
  int interrupt_fd_ = -1;
  int control_fd_ = -1;
  bool given_up_ = false;
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  // kUnsupported: this kernel gives threads no descriptors of their own.
  static Result<std::shared_ptr<Core>> Open(RuntimeOptions options);
  explicit Core(RuntimeOptions options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // kWrongState: closed, or this is a forked copy of the process that opened it. To be asked before
  // anything else: in such a copy a mutex may be locked by a thread that does not exist.
  Status Usable() const;
  bool Forked() const;

  // Runs it, or refuses it, some time later.
  void Post(const std::shared_ptr<Call>& call);
  // Its long waits end with an error; one that has not begun is refused.
  void Interrupt(const std::shared_ptr<Call>& call);
  // Makes its control_fd() readable, if it runs.
  void Wake(const std::shared_ptr<Call>& call);

  // A thread of the embedder's descriptors that works for this core: Close() does not wait on it.
  void AdoptThisThread() const;

  // As Runtime::Close().
  void Close();

  const RuntimeOptions& options() const { return options_; }

 private:
  void CourierMain(const std::function<void(Status)>& ready);
  void WorkerMain();
  void SpawnWorker();
  void Deliver(std::function<void()> job);  // to the courier; mutex_ is held
  std::shared_ptr<Call> NextCall();
  void RunCall(const std::shared_ptr<Call>& call, inner::Runtime& runtime, int interrupt_fd,
               int control_fd);
  void RefuseOne(const Error& why);

  const RuntimeOptions options_;
  const pid_t owner_;
  const std::shared_ptr<inner::AttachedLives> attached_;
  mutable std::mutex mutex_;
  std::condition_variable calls_wait_;
  std::condition_variable jobs_wait_;
  std::condition_variable threads_end_;
  std::deque<std::shared_ptr<Call>> calls_;
  std::set<std::shared_ptr<Call>> running_;
  std::deque<std::function<void()>> jobs_;
  int idle_workers_ = 0;
  int workers_ = 0;  // those about to be born too
  bool courier_lives_ = false;
  bool closed_ = false;
};

}  // namespace boxlite::v0::internal
