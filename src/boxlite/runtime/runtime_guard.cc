#include "boxlite/runtime/runtime_guard.h"

#include <kj/exception.h>
#include <signal.h>
#include <time.h>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

sigset_t SigpipeAlone() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  return set;
}

bool SigpipeIsPending() {
  sigset_t pending;
  ::sigemptyset(&pending);
  ::sigpending(&pending);
  return ::sigismember(&pending, SIGPIPE) == 1;
}

template <typename Function>
auto Guarded(Function&& call) -> decltype(call()) {
  const QuietPipes quiet;
  try {
    return call();
  } catch (const kj::Exception& exception) {
    return FromException(exception);
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kInternal, exception.what());
  }
}

class RuntimeGuard final : public Runtime {
 public:
  explicit RuntimeGuard(std::unique_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
  ~RuntimeGuard() override {
    const QuietPipes quiet;
    runtime_.reset();
  }

  Result<BoxId> Resolve(const std::string& reference) override {
    return Guarded([&] { return runtime_->Resolve(reference); });
  }
  Result<BoxId> Create(const CreateOptions& options) override {
    return Guarded([&] { return runtime_->Create(options); });
  }
  Status Start(const BoxId& id, Attachment attachment) override {
    return Guarded([&] { return runtime_->Start(id, attachment); });
  }
  Result<EndReport> Stop(const BoxId& id, std::chrono::milliseconds grace) override {
    return Guarded([&] { return runtime_->Stop(id, grace); });
  }
  Status Kill(const BoxId& id, int signal_number) override {
    return Guarded([&] { return runtime_->Kill(id, signal_number); });
  }
  Status Remove(const BoxId& id, Force force) override {
    return Guarded([&] { return runtime_->Remove(id, force); });
  }
  Result<ProgramEnd> Exec(const BoxId& id, const ExecOptions& options) override {
    return Guarded([&] { return runtime_->Exec(id, options); });
  }
  Result<CopyReport> Copy(const BoxId& id, const CopyOptions& options) override {
    return Guarded([&] { return runtime_->Copy(id, options); });
  }
  Result<std::string> ExecDetached(const BoxId& id, const ExecOptions& options) override {
    return Guarded([&] { return runtime_->ExecDetached(id, options); });
  }
  Result<ProgramEnd> AttachExec(const BoxId& id, const std::string& exec_id,
                                const AttachExecOptions& options) override {
    return Guarded([&] { return runtime_->AttachExec(id, exec_id, options); });
  }
  Result<std::vector<ExecInfo>> Execs(const BoxId& id) override {
    return Guarded([&] { return runtime_->Execs(id); });
  }
  Result<ProgramEnd> WaitExec(const BoxId& id, const std::string& exec_id) override {
    return Guarded([&] { return runtime_->WaitExec(id, exec_id); });
  }
  Status SignalExec(const BoxId& id, const std::string& exec_id, int number) override {
    return Guarded([&] { return runtime_->SignalExec(id, exec_id, number); });
  }
  Result<ProcessExit> Wait(const BoxId& id) override {
    return Guarded([&] { return runtime_->Wait(id); });
  }
  Status Logs(const BoxId& id, const LogOptions& options) override {
    return Guarded([&] { return runtime_->Logs(id, options); });
  }
  Result<ProgramEnd> RunForeground(const BoxId& id, const ForegroundOptions& options) override {
    return Guarded([&] { return runtime_->RunForeground(id, options); });
  }
  Result<ProgramEnd> Attach(const BoxId& id, const AttachOptions& options) override {
    return Guarded([&] { return runtime_->Attach(id, options); });
  }
  Result<std::vector<BoxInfo>> List() override {
    return Guarded([&] { return runtime_->List(); });
  }
  Result<BoxInfo> Inspect(const BoxId& id) override {
    return Guarded([&] { return runtime_->Inspect(id); });
  }
  Result<HomeInfo> Info() override {
    return Guarded([&] { return runtime_->Info(); });
  }
  Status Rename(const BoxId& id, const std::string& name) override {
    return Guarded([&] { return runtime_->Rename(id, name); });
  }
  Result<PruneReport> Prune(const BoxPredicate& wanted) override {
    return Guarded([&] { return runtime_->Prune(wanted); });
  }
  Result<std::uint64_t> DiskUsage(const BoxId& id) override {
    return Guarded([&] { return runtime_->DiskUsage(id); });
  }
  Status WatchEvents(const EventOptions& options, const EventSink& sink) override {
    return Guarded([&] { return runtime_->WatchEvents(options, sink); });
  }
  Result<BoxProcesses> Processes(const BoxId& id) override {
    return Guarded([&] { return runtime_->Processes(id); });
  }
  Result<BoxUse> Statistics(const BoxId& id) override {
    return Guarded([&] { return runtime_->Statistics(id); });
  }

 private:
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace

QuietPipes::QuietPipes() : was_pending_(SigpipeIsPending()) {
  const sigset_t pipe = SigpipeAlone();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  was_blocked_ = ::sigismember(&before, SIGPIPE) == 1;
}

QuietPipes::~QuietPipes() {
  const sigset_t pipe = SigpipeAlone();
  const timespec now = {};
  if (!was_pending_ && SigpipeIsPending()) static_cast<void>(::sigtimedwait(&pipe, nullptr, &now));
  if (!was_blocked_) ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

std::unique_ptr<Runtime> NewRuntimeGuard(std::unique_ptr<Runtime> runtime) {
  return std::make_unique<RuntimeGuard>(std::move(runtime));
}

}  // namespace boxlite
