#include "boxlite/box.h"

#include <signal.h>

#include <algorithm>
#include <atomic>

#include "boxlite/api/call.h"
#include "boxlite/api/copy_call.h"
#include "boxlite/api/execution_state.h"
#include "boxlite/api/log_call.h"

namespace boxlite::v0 {
namespace {

using internal::Ask;
using internal::AskLater;
using internal::FromPublic;
using internal::ToPublic;
namespace inner = ::boxlite;

// The handle's id, as the library takes it. It came from the library, so it is one.
inner::BoxId Id(const std::string& id) { return *inner::BoxId::Parse(id); }

auto StartWork(const std::string& id, Attachment attachment) {
  return [id = Id(id), attachment](inner::Runtime& runtime) {
    return ToPublic(runtime.Start(id, FromPublic(attachment)));
  };
}
auto StopWork(const std::string& id, Timeout grace) {
  return
      [id = Id(id), grace](inner::Runtime& runtime) { return ToPublic(runtime.Stop(id, grace)); };
}
auto RemoveWork(const std::string& id, Box::Force force) {
  return [id = Id(id), force](inner::Runtime& runtime) {
    return ToPublic(runtime.Remove(
        id, force == Box::Force::kYes ? inner::Runtime::Force::kYes : inner::Runtime::Force::kNo));
  };
}
auto WaitWork(const std::string& id) {
  return [id = Id(id)](inner::Runtime& runtime) { return ToPublic(runtime.Wait(id)); };
}

inner::CopyOptions Way(inner::CopyOptions::Direction direction, const std::string& host_path,
                       const std::string& box_path) {
  inner::CopyOptions way;
  way.direction = direction;
  way.host_path = host_path;
  way.box_path = box_path;
  return way;
}

// What ExecAndCapture() gathers. Shared with the callbacks: one may be under way when it gives up.
class Capture : public std::enable_shared_from_this<Capture> {
 public:
  explicit Capture(std::size_t limit) : limit_(limit) {}

  void Tap(ExecOptions& options) {
    for (OutputCallback* callback : {&options.on_stdout, &options.on_stderr}) {
      std::string& part = callback == &options.on_stdout ? output_.out : output_.err;
      *callback = [self = shared_from_this(), &part, also = *callback](std::string_view bytes) {
        if (also) also(bytes);
        self->Keep(part, bytes);
      };
    }
  }
  // Before the execution begins.
  void TellWhenFull(const std::shared_ptr<internal::ExecutionState>& state) { state_ = state; }

  bool full() const { return full_; }
  CapturedOutput Take() { return std::move(output_); }

 private:
  void Keep(std::string& part, std::string_view bytes) {
    const std::size_t room = limit_ - output_.out.size() - output_.err.size();
    part.append(bytes.substr(0, room));
    if (bytes.size() <= room) return;
    full_ = true;
    if (const auto state = state_.lock()) state->Abandon();
  }

  const std::size_t limit_;
  CapturedOutput output_;  // of the callbacks' thread until the end
  std::atomic<bool> full_ = false;
  std::weak_ptr<internal::ExecutionState> state_;
};

}  // namespace

Box::Box(std::shared_ptr<internal::Core> core, std::string id)
    : core_(std::move(core)), id_(std::move(id)) {}

Status Box::Start(Attachment attachment, Timeout timeout) {
  return Ask<Status>(core_, "start box " + id_, timeout, StartWork(id_, attachment));
}

Result<StopResult> Box::Stop(Timeout grace, Timeout timeout) {
  return Ask<Result<StopResult>>(core_, "stop box " + id_, timeout, StopWork(id_, grace));
}

Status Box::Restart(Timeout grace, Attachment attachment, Timeout timeout) {
  return Ask<Status>(core_, "restart box " + id_, timeout,
                     [stop = StopWork(id_, grace),
                      start = StartWork(id_, attachment)](inner::Runtime& runtime) -> Status {
                       const Result<StopResult> stopped = stop(runtime);
                       return stopped.ok() ? start(runtime) : Status(stopped.error());
                     });
}

Status Box::Kill(int signal_number, Timeout timeout) {
  return Ask<Status>(core_, "signal box " + id_, timeout,
                     [id = Id(id_), signal_number](inner::Runtime& runtime) {
                       return ToPublic(runtime.Kill(id, signal_number));
                     });
}

Status Box::Remove(Force force, Timeout timeout) {
  return Ask<Status>(core_, "remove box " + id_, timeout, RemoveWork(id_, force));
}

Result<ExitStatus> Box::Wait(Timeout timeout) {
  return Ask<Result<ExitStatus>>(core_, "wait for box " + id_, timeout, WaitWork(id_));
}

Result<BoxInfo> Box::Inspect(Timeout timeout) {
  return Ask<Result<BoxInfo>>(
      core_, "inspect box " + id_, timeout,
      [id = Id(id_)](inner::Runtime& runtime) { return ToPublic(runtime.Inspect(id)); });
}

Status Box::Rename(const std::string& name, Timeout timeout) {
  return Ask<Status>(
      core_, "rename box " + id_, timeout,
      [id = Id(id_), name](inner::Runtime& runtime) { return ToPublic(runtime.Rename(id, name)); });
}

Result<BoxUsage> Box::Usage(Timeout timeout) {
  return Ask<Result<BoxUsage>>(
      core_, "ask what box " + id_ + " uses", timeout,
      [id = Id(id_)](inner::Runtime& runtime) { return ToPublic(runtime.Statistics(id)); });
}

Result<CopyReport> Box::CopyIn(const std::string& host_path, const std::string& box_path,
                               CopyOptions options, Timeout timeout) {
  return internal::CopyFiles(core_, id_,
                             Way(inner::CopyOptions::Direction::kIntoBox, host_path, box_path),
                             std::move(options), timeout);
}

Result<CopyReport> Box::CopyOut(const std::string& box_path, const std::string& host_path,
                                CopyOptions options, Timeout timeout) {
  return internal::CopyFiles(core_, id_,
                             Way(inner::CopyOptions::Direction::kOutOfBox, host_path, box_path),
                             std::move(options), timeout);
}

Status Box::Logs(const LogOptions& options, LogCallback on_output, Timeout timeout) {
  return internal::FollowLog(core_, id_, options, std::move(on_output), timeout);
}

Result<Execution> Box::Exec(ExecOptions options, Timeout timeout) {
  auto state = std::make_shared<internal::ExecutionState>(core_, id_, std::move(options));
  if (Status begun = state->Begin(timeout); !begun.ok()) return begun.error();
  return Execution(std::move(state));
}

Result<CapturedOutput> Box::ExecAndCapture(ExecOptions options, Timeout timeout,
                                           std::size_t limit) {
  const auto deadline = internal::DeadlineAfter(timeout);
  // The box itself keeps the deadline, so that it also holds when this process dies.
  const bool own_limit =
      timeout != kForever && (options.time_limit.count() == 0 || timeout < options.time_limit);
  if (own_limit) options.time_limit = std::max(timeout, Timeout(1));
  auto capture = std::make_shared<Capture>(limit);
  capture->Tap(options);
  auto state = std::make_shared<internal::ExecutionState>(core_, id_, std::move(options));
  capture->TellWhenFull(state);
  if (Status begun = state->Begin(timeout); !begun.ok()) return begun.error();
  const Execution execution(state);  // lets go at every way out
  std::optional<Result<ExecResult>> end = state->WaitUnlessAbandoned(internal::TimeLeft(deadline));
  if (capture->full()) {
    if (!end) static_cast<void>(state->Signal(SIGKILL, std::chrono::seconds(5)).ok());
    return Error(ErrorCode::kResourceExhausted, "the program in box " + id_ + " wrote more than " +
                                                    std::to_string(limit) +
                                                    " bytes: take them by callbacks");
  }
  if (!end || (own_limit && end->ok() && (*end)->timed_out)) {
    return internal::Late("run a program in box " + id_, timeout);
  }
  if (!end->ok()) return end->error();
  CapturedOutput output = capture->Take();
  output.result = **end;
  return output;
}

Result<std::string> Box::ExecDetached(const ExecOptions& options, Timeout timeout) {
  return Ask<Result<std::string>>(
      core_, "run a program in box " + id_, timeout,
      [id = Id(id_), plain = FromPublic(options),
       open_stdin = options.open_stdin](inner::Runtime& runtime) -> Result<std::string> {
        inner::ExecOptions complete = plain;
        inner::FdPair pipe;
        if (open_stdin) {
          inner::Result<inner::FdPair> made = inner::MakePipe();
          if (!made.ok()) return ToPublic(made.error());
          pipe = std::move(*made);
          complete.streams.stdin_fd = pipe.first.get();
        }
        return ToPublic(runtime.ExecDetached(id, complete));
      });
}

Result<std::vector<ExecutionInfo>> Box::Executions(Timeout timeout) {
  return Ask<Result<std::vector<ExecutionInfo>>>(
      core_, "list the programs of box " + id_, timeout,
      [id = Id(id_)](inner::Runtime& runtime) { return ToPublic(runtime.Execs(id)); });
}

Result<Execution> Box::Reattach(const std::string& execution_id, ReattachOptions options,
                                Timeout timeout) {
  auto state =
      std::make_shared<internal::ExecutionState>(core_, id_, execution_id, std::move(options));
  if (Status begun = state->Begin(timeout); !begun.ok()) return begun.error();
  return Execution(std::move(state));
}

std::future<Status> Box::StartAsync(Attachment attachment) {
  return AskLater<Status>(core_, StartWork(id_, attachment));
}
std::future<Result<StopResult>> Box::StopAsync(Timeout grace) {
  return AskLater<Result<StopResult>>(core_, StopWork(id_, grace));
}
std::future<Status> Box::RemoveAsync(Force force) {
  return AskLater<Status>(core_, RemoveWork(id_, force));
}
std::future<Result<ExitStatus>> Box::WaitAsync() {
  return AskLater<Result<ExitStatus>>(core_, WaitWork(id_));
}

}  // namespace boxlite::v0
