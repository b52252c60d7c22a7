#include "boxlite/api/core.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <system_error>
#include <thread>

#include "boxlite/api/blocked_signals.h"
#include "boxlite/base/fd.h"
#include "boxlite/base/interrupt.h"

namespace boxlite::v0::internal {
namespace {

// Threads kept for the next calls. Opening a Runtime costs microseconds, its event loop and the
// thread some tens of them.
constexpr int kKeptWorkers = 4;

// The core whose thread this is: what waits for its threads' end must not wait for itself.
thread_local const Core* this_threads_core = nullptr;

// From here on this thread, and those that it starts, have descriptors of their own.
Status LeaveDescriptors() {
#ifdef BOXLITE_TSAN
  // ThreadSanitizer takes equal numbers for the same descriptor: it would report races that are
  // none.
  return {};
#else
  if (::syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE) != 0) {
    return Error(ErrorCode::kUnsupported,
                 std::string("this kernel gives the library no descriptors of its own "
                             "(close_range, Linux 5.9): ") +
                     std::strerror(errno));
  }
  // What some library writes to stderr must not land in a file of ours.
  for (int number = 0; number < 3; ++number) {
    if (::open("/dev/null", O_RDWR) != number) {
      return Error(ErrorCode::kUnsupported, "/dev/null cannot be opened");
    }
  }
  return {};
#endif
}

void Ring(int event_fd) {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_fd, &one, sizeof one));
}

void Silence(int event_fd) {
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_fd, &count, sizeof count));
}

Error ClosedError() { return {ErrorCode::kWrongState, "this Runtime has been closed"}; }
Error GivenUpError() { return {ErrorCode::kUnavailable, "given up before it began"}; }

}  // namespace

Core::Core(RuntimeOptions options)
    : options_(std::move(options)),
      owner_(::getpid()),
      attached_(std::make_shared<inner::AttachedLives>()) {}

Result<std::shared_ptr<Core>> Core::Open(RuntimeOptions options) {
  auto core = std::make_shared<Core>(std::move(options));
  auto ready = std::make_shared<std::promise<Status>>();
  std::future<Status> begun = ready->get_future();
  core->courier_lives_ = true;
  try {
    const BlockedSignals blocked;
    std::thread([core, ready] {
      core->CourierMain([ready](Status status) { ready->set_value(std::move(status)); });
    }).detach();
  } catch (const std::system_error& error) {
    return Error(ErrorCode::kResourceExhausted, std::string("start a thread: ") + error.what());
  }
  Status status = begun.get();
  if (!status.ok()) return status.error();
  return core;
}

void Core::AdoptThisThread() const { this_threads_core = this; }

bool Core::Forked() const { return ::getpid() != owner_; }

Status Core::Usable() const {
  if (Forked()) {
    return Error(ErrorCode::kWrongState,
                 "this handle was made before a fork, by the parent, and is of no use here: open a "
                 "Runtime of this process's own");
  }
  const std::lock_guard lock(mutex_);
  return closed_ ? Status(ClosedError()) : Status();
}

void Core::Deliver(std::function<void()> job) {
  jobs_.push_back(std::move(job));
  jobs_wait_.notify_one();
}

void Core::Post(const std::shared_ptr<Call>& call) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      calls_.push_back(call);
      calls_wait_.notify_one();
      if (static_cast<std::size_t>(idle_workers_) < calls_.size()) {
        ++workers_;
        Deliver([this] { SpawnWorker(); });
      }
      return;
    }
  }
  call->Refuse(ClosedError());
}

void Core::Interrupt(const std::shared_ptr<Call>& call) {
  call->GiveUp();
  const std::lock_guard lock(mutex_);
  call->given_up_ = true;
  Deliver([this, call] {
    const std::lock_guard again(mutex_);
    if (call->interrupt_fd_ >= 0) Ring(call->interrupt_fd_);
  });
}

void Core::Wake(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  Deliver([this, call] {
    const std::lock_guard again(mutex_);
    if (call->control_fd_ >= 0) Ring(call->control_fd_);
  });
}

void Core::RefuseOne(const Error& why) {
  std::shared_ptr<Call> call;
  {
    const std::lock_guard lock(mutex_);
    if (calls_.empty()) return;
    call = std::move(calls_.front());
    calls_.pop_front();
  }
  call->Refuse(why);
}

void Core::SpawnWorker() {
  try {
    std::thread([self = shared_from_this()] { self->WorkerMain(); }).detach();
  } catch (const std::system_error& error) {
    RefuseOne(Error(ErrorCode::kResourceExhausted, std::string("start a thread: ") + error.what()));
    const std::lock_guard lock(mutex_);
    --workers_;
  }
}

void Core::CourierMain(const std::function<void(Status)>& ready) {
  this_threads_core = this;
  Status left = LeaveDescriptors();
  bool goes_on = left.ok();
  ready(std::move(left));
  std::unique_lock lock(mutex_);
  while (goes_on) {
    jobs_wait_.wait(lock, [this] { return !jobs_.empty() || (closed_ && workers_ == 0); });
    if (jobs_.empty()) break;
    {
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
    lock.lock();
  }
  courier_lives_ = false;
  threads_end_.notify_all();
}

// Null: this worker is not needed any more, and is not counted any more.
std::shared_ptr<Call> Core::NextCall() {
  std::unique_lock lock(mutex_);
  if (calls_.empty() && !closed_ && idle_workers_ < kKeptWorkers) {
    ++idle_workers_;
    calls_wait_.wait(lock, [this] { return !calls_.empty() || closed_; });
    --idle_workers_;
  }
  if (calls_.empty()) {
    --workers_;
    jobs_wait_.notify_one();
    return nullptr;
  }
  std::shared_ptr<Call> call = std::move(calls_.front());
  calls_.pop_front();
  running_.insert(call);
  return call;
}

void Core::RunCall(const std::shared_ptr<Call>& call, inner::Runtime& runtime, int interrupt_fd,
                   int control_fd) {
  bool given_up = false;
  {
    const std::lock_guard lock(mutex_);
    given_up = call->given_up_;
    call->interrupt_fd_ = interrupt_fd;
    call->control_fd_ = control_fd;
  }
  if (given_up) {
    call->Refuse(GivenUpError());
  } else {
    call->Run(runtime);
  }
  const std::lock_guard lock(mutex_);
  call->interrupt_fd_ = -1;
  call->control_fd_ = -1;
  running_.erase(call);
  // Nobody rings any more: what was rung is not the next call's.
  Silence(interrupt_fd);
  Silence(control_fd);
}

void Core::WorkerMain() {
  this_threads_core = this;
  const inner::Fd interrupt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const inner::Fd control(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const inner::ScopedInterrupt scope(interrupt.get());
  inner::RuntimeOptions options;
  options.home = options_.home;
  options.libexec = options_.libexec;
  options.attached = attached_;
  // A Runtime may be used by the thread that opened it only, and its descriptors are this table's.
  inner::Result<std::unique_ptr<inner::Runtime>> runtime = inner::Runtime::Open(options);
  for (;;) {
    if (!runtime.ok() || !interrupt.valid() || !control.valid()) {
      RefuseOne(runtime.ok()
                    ? Error(ErrorCode::kResourceExhausted, "no descriptors for a worker thread")
                    : ToPublic(runtime.error()));
      const std::lock_guard lock(mutex_);
      --workers_;
      jobs_wait_.notify_one();
      return;
    }
    const std::shared_ptr<Call> call = NextCall();
    if (!call) return;
    RunCall(call, **runtime, interrupt.get(), control.get());
  }
}

void Core::Close() {
  if (Forked()) return;
  std::deque<std::shared_ptr<Call>> refused;
  std::unique_lock lock(mutex_);
  if (!closed_) {
    closed_ = true;
    refused.swap(calls_);
    const auto running = running_;
    lock.unlock();
    for (const auto& call : running) Interrupt(call);
    for (const auto& call : refused) call->Refuse(ClosedError());
    lock.lock();
    // Closes descriptors, so it is the courier's to do.
    Deliver([attached = attached_] { attached->ReleaseAll(); });
    calls_wait_.notify_all();
  }
  if (this_threads_core == this) return;
  threads_end_.wait(lock, [this] { return workers_ == 0 && !courier_lives_; });
}

}  // namespace boxlite::v0::internal
