#include "boxlite/api/execution_state.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "boxlite/api/blocked_signals.h"
#include "boxlite/base/files.h"

namespace boxlite::v0::internal {
namespace {

// Input that was handed over and not yet taken by the box.
constexpr std::size_t kMostInput = 1024 * 1024;
// Output that came from the box and was not yet taken by the callbacks: then the program waits.
constexpr std::size_t kMostOutput = 1024 * 1024;

ExecOptions AsExecOptions(const ReattachOptions& options) {
  ExecOptions out;
  out.open_stdin = options.open_stdin;
  out.on_stdout = options.on_stdout;
  out.on_stderr = options.on_stderr;
  return out;
}

Error DetachedError() {
  return {ErrorCode::kWrongState,
          "this handle has let go of the execution: Box::Reattach() takes it up again"};
}

}  // namespace

ExecutionState::ExecutionState(std::shared_ptr<Core> core, std::string box_id, ExecOptions options)
    : core_(std::move(core)),
      box_id_(std::move(box_id)),
      options_(std::move(options)),
      takes_input_(options_.open_stdin) {}

ExecutionState::ExecutionState(std::shared_ptr<Core> core, std::string box_id,
                               std::string execution_id, ReattachOptions options)
    : core_(std::move(core)),
      box_id_(std::move(box_id)),
      options_(AsExecOptions(options)),
      reattach_(std::move(options)),
      id_(std::move(execution_id)),
      takes_input_(options_.open_stdin) {}

Status ExecutionState::Begin(Timeout timeout) {
  if (Status usable = core_->Usable(); !usable.ok()) return usable;
  if (HasCallbacks()) {
    try {
      const BlockedSignals blocked;
      calling_back_ = true;
      std::thread([self = shared_from_this()] { self->CallBack(); }).detach();
    } catch (const std::system_error& error) {
      return Error(ErrorCode::kResourceExhausted, std::string("start a thread: ") + error.what());
    }
  }
  core_->Post(shared_from_this());
  std::unique_lock lock(mutex_);
  if (!WaitFor(changed_, lock, timeout, [this] { return begun_ || end_; })) {
    lock.unlock();
    core_->Interrupt(shared_from_this());
    return Late("run a program in box " + box_id_, timeout);
  }
  if (!begun_ && !end_->ok()) return end_->error();
  return {};
}

void ExecutionState::Run(inner::Runtime& runtime) {
  inner::Fd read_end;
  std::thread feeder;
  if (takes_input_) {
    inner::Result<inner::FdPair> pipe = inner::MakePipe();
    if (!pipe.ok()) return Settle(ToPublic(pipe.error()));
    read_end = std::move(pipe->first);
    try {
      feeder = std::thread(
          [this, write_end = std::move(pipe->second)]() mutable { Feed(std::move(write_end)); });
    } catch (const std::system_error& error) {
      return Settle(
          Error(ErrorCode::kResourceExhausted, std::string("start a thread: ") + error.what()));
    }
  }
  inner::Result<inner::ProgramEnd> end = RunWithStreams(runtime, read_end.get());
  // Ends a write of the feeder's that nobody reads any more.
  read_end.Reset();
  {
    const std::lock_guard lock(mutex_);
    input_over_ = true;
    changed_.notify_all();
  }
  if (feeder.joinable()) feeder.join();
  if (end.ok() && end->detached) return Settle(DetachedError());
  Settle(ToPublic(end));
}

inner::Result<inner::ProgramEnd> ExecutionState::RunWithStreams(inner::Runtime& runtime,
                                                                int stdin_fd) {
  const std::optional<inner::BoxId> box = inner::BoxId::Parse(box_id_);
  if (!box) return inner::Error(inner::ErrorCode::kNotFound, "no such box: " + box_id_);
  if (!reattach_) {
    inner::ExecOptions options = FromPublic(options_);
    options.streams = Streams(stdin_fd);
    options.on_started = [this](const std::string& id) { Begun(id); };
    return runtime.Exec(*box, options);
  }
  inner::AttachExecOptions options;
  options.stdout_from = reattach_->stdout_from;
  options.stderr_from = reattach_->stderr_from;
  options.streams = Streams(stdin_fd);
  options.on_begin = [this](std::uint64_t out, std::uint64_t err) {
    begins_[0] = out;
    begins_[1] = err;
    Begun(id_);
  };
  return runtime.AttachExec(*box, id_, options);
}

inner::ProgramStreams ExecutionState::Streams(int stdin_fd) {
  inner::ProgramStreams streams;
  streams.stdin_fd = stdin_fd;
  if (options_.on_stdout) {
    streams.out.write = [this](std::string_view bytes) { return Take(Stream::kStdout, bytes); };
  }
  if (options_.on_stderr) {
    streams.err.write = [this](std::string_view bytes) { return Take(Stream::kStderr, bytes); };
  }
  streams.controls.push_back(
      {control_fd(), [this](inner::ProgramControls& controls) { ObeyOrders(controls); }});
  return streams;
}

inner::Status ExecutionState::Take(Stream stream, std::string_view bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return output_bytes_ < kMostOutput || detaching_; });
  if (detaching_) return {};
  output_.push_back({stream, std::string(bytes)});
  output_bytes_ += bytes.size();
  changed_.notify_all();
  return {};
}

void ExecutionState::CallBack() {
  core_->AdoptThisThread();
  std::unique_lock lock(mutex_);
  callback_thread_ = std::this_thread::get_id();
  for (;;) {
    changed_.wait(lock, [this] { return !output_.empty() || output_over_ || detaching_; });
    if (detaching_ || output_.empty()) break;
    const Piece piece = std::move(output_.front());
    output_.pop_front();
    const OutputCallback& callback =
        piece.stream == Stream::kStdout ? options_.on_stdout : options_.on_stderr;
    lock.unlock();
    callback(piece.bytes);
    lock.lock();
    output_bytes_ -= piece.bytes.size();
    changed_.notify_all();
  }
  calling_back_ = false;
  changed_.notify_all();
}

void ExecutionState::GiveUp() {
  const std::lock_guard lock(mutex_);
  detaching_ = true;
  changed_.notify_all();
}

void ExecutionState::ObeyOrders(inner::ProgramControls& controls) {
  std::uint64_t rung = 0;
  static_cast<void>(!::read(control_fd(), &rung, sizeof rung));
  std::deque<std::function<void(inner::ProgramControls&)>> orders;
  {
    const std::lock_guard lock(mutex_);
    orders.swap(orders_);
  }
  for (const auto& order : orders) order(controls);
}

void ExecutionState::Begun(const std::string& id) {
  const std::lock_guard lock(mutex_);
  id_ = id;
  begun_ = true;
  changed_.notify_all();
}

void ExecutionState::Settle(Result<ExecResult> end) {
  std::unique_lock lock(mutex_);
  // What was read is delivered before the end is told.
  output_over_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !calling_back_; });
  end_ = std::move(end);
  input_over_ = true;
  for (auto& waiter : waiters_) waiter.set_value(*end_);
  waiters_.clear();
  changed_.notify_all();
}

void ExecutionState::Refuse(const Error& why) { Settle(why); }

void ExecutionState::Feed(inner::Fd pipe) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !input_.empty() || input_closed_ || input_over_; });
    if (input_over_ || input_.empty()) return;
    const std::string piece = std::move(input_.front());
    input_.pop_front();
    lock.unlock();
    const bool written = inner::WriteAll(pipe.get(), piece).ok();
    lock.lock();
    input_bytes_ -= piece.size();
    if (!written) input_over_ = true;
    changed_.notify_all();
  }
}

Result<std::size_t> ExecutionState::WriteStdin(std::string_view bytes, Timeout timeout) {
  if (Status usable = core_->Usable(); !usable.ok()) return usable.error();
  std::unique_lock lock(mutex_);
  if (!takes_input_ || input_closed_) {
    return Error(ErrorCode::kWrongState,
                 "the execution's input is not open: ExecOptions::open_stdin opens it");
  }
  if (std::this_thread::get_id() == callback_thread_) {
    return Error(ErrorCode::kWrongState, "a callback cannot wait for its own execution's input");
  }
  const Deadline deadline = DeadlineAfter(timeout);
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto room = [this] { return input_over_ || input_closed_ || input_bytes_ < kMostInput; };
    if (!WaitFor(changed_, lock, TimeLeft(deadline), room)) {
      if (taken > 0) return taken;
      return Late("write to the program in box " + box_id_, timeout);
    }
    if (input_over_ || input_closed_) {
      return Error(ErrorCode::kUnavailable, "the program reads no more, or has ended");
    }
    const std::size_t part = std::min(bytes.size() - taken, kMostInput - input_bytes_);
    input_.emplace_back(bytes.substr(taken, part));
    input_bytes_ += part;
    taken += part;
    changed_.notify_all();
  }
  return taken;
}

Status ExecutionState::CloseStdin() {
  if (Status usable = core_->Usable(); !usable.ok()) return usable;
  const std::lock_guard lock(mutex_);
  if (!takes_input_) return Error(ErrorCode::kWrongState, "the execution's input is not open");
  input_closed_ = true;
  changed_.notify_all();
  return {};
}

Result<ExecResult> ExecutionState::Wait(Timeout timeout) {
  // A closed Runtime has settled it: the end that is known stays known.
  if (core_->Forked()) return core_->Usable().error();
  std::unique_lock lock(mutex_);
  if (!end_ && std::this_thread::get_id() == callback_thread_) {
    return Error(ErrorCode::kWrongState, "a callback cannot wait for its own execution's end");
  }
  if (!WaitFor(changed_, lock, timeout, [this] { return end_.has_value(); })) {
    return Late("wait for the program in box " + box_id_, timeout);
  }
  return *end_;
}

std::optional<Result<ExecResult>> ExecutionState::WaitUnlessAbandoned(Timeout timeout) {
  std::unique_lock lock(mutex_);
  if (!WaitFor(changed_, lock, timeout, [this] { return end_ || abandoned_; })) return {};
  if (abandoned_) return {};
  return *end_;
}

void ExecutionState::Abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

std::future<Result<ExecResult>> ExecutionState::WaitAsync() {
  std::promise<Result<ExecResult>> promise;
  std::future<Result<ExecResult>> future = promise.get_future();
  if (core_->Forked()) {
    promise.set_value(core_->Usable().error());
    return future;
  }
  const std::lock_guard lock(mutex_);
  if (end_) {
    promise.set_value(*end_);
  } else {
    waiters_.push_back(std::move(promise));
  }
  return future;
}

Status ExecutionState::Signal(int number, Timeout timeout) {
  const std::optional<inner::BoxId> box = inner::BoxId::Parse(box_id_);
  if (!box) return Error(ErrorCode::kNotFound, "no such box: " + box_id_);
  return Ask<Status>(core_, "signal the program in box " + box_id_, timeout,
                     [box, id = id_, number](inner::Runtime& runtime) {
                       return ToPublic(runtime.SignalExec(*box, id, number));
                     });
}

Status ExecutionState::Order(std::function<void(inner::ProgramControls&)> order) {
  {
    const std::lock_guard lock(mutex_);
    if (end_) return Error(ErrorCode::kWrongState, "the execution has ended");
    orders_.push_back(std::move(order));
  }
  core_->Wake(shared_from_this());
  return {};
}

Status ExecutionState::Resize(TerminalSize size) {
  if (Status usable = core_->Usable(); !usable.ok()) return usable;
  if (!reattach_ && !options_.terminal) {
    return Error(ErrorCode::kWrongState, "the execution has no terminal");
  }
  return Order([size](inner::ProgramControls& controls) {
    controls.Resize(inner::TerminalSize{size.rows, size.columns});
  });
}

Status ExecutionState::Detach() {
  if (Status usable = core_->Usable(); !usable.ok()) return usable;
  {
    const std::lock_guard lock(mutex_);
    detaching_ = true;
    changed_.notify_all();
    if (end_) return {};
  }
  static_cast<void>(Order([](inner::ProgramControls& controls) { controls.Detach(); }).ok());
  std::unique_lock lock(mutex_);
  if (std::this_thread::get_id() == callback_thread_) return {};
  changed_.wait(lock, [this] { return end_.has_value(); });
  return {};
}

}  // namespace boxlite::v0::internal
