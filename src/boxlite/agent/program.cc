#include "boxlite/agent/program.h"

#include <kj/debug.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/agent/program_child.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxFailureBytes = 8 * 1024;

Error AlreadyEnded() { return Error(ErrorCode::kWrongState, "the program has ended"); }

class ProcessService final : public wire::Process::Server {
 public:
  explicit ProcessService(kj::Own<Program> program) : program_(kj::mv(program)) {}

  kj::Promise<void> wait(WaitContext context) override {
    return program_->Wait().then([context](ProgramExit exit) mutable {
      auto out = context.getResults().initExit();
      if (exit.by_signal) {
        out.setSignal(exit.number);
      } else {
        out.setCode(exit.number);
      }
    });
  }

  kj::Promise<void> signal(SignalContext context) override {
    const auto params = context.getParams();
    const auto whom = params.getWholeGroup() ? Program::Whom::kGroup : Program::Whom::kProgram;
    Status sent = program_->Signal(params.getNumber(), whom);
    if (!sent.ok()) ToWire(sent, context.getResults().initError());
    return kj::READY_NOW;
  }

  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(program_->input());
    return kj::READY_NOW;
  }

  kj::Promise<void> kill(KillContext) override {
    program_->Kill();
    return kj::READY_NOW;
  }

  kj::Promise<void> resize(ResizeContext context) override {
    const auto size = context.getParams().getSize();
    Status resized = program_->Resize({size.getRows(), size.getColumns()});
    if (!resized.ok()) ToWire(resized, context.getResults().initError());
    return kj::READY_NOW;
  }

 private:
  kj::Own<Program> program_;
};

}  // namespace

Program::Program(SpawnedProgram spawned, Cgroup cgroup, kj::UnixEventPort& event_port,
                 kj::Timer& timer)
    : pid_(spawned.pid),
      pidfd_(std::move(spawned.pidfd)),
      cgroup_(std::move(cgroup)),
      event_port_(event_port),
      timer_(timer),
      input_fd_(std::move(spawned.input)),
      output_fd_(std::move(spawned.output)),
      errors_fd_(std::move(spawned.errors)),
      terminal_fd_(std::move(spawned.terminal)),
      failure_fd_(std::move(spawned.failure)),
      failure_observer_(kj::heap<kj::UnixEventPort::FdObserver>(
          event_port, failure_fd_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ)),
      finished_([this]() {
        auto paf = kj::newPromiseAndFulfiller<void>();
        end_ = kj::mv(paf.fulfiller);
        return paf.promise.then([this]() { return Drain(); }).eagerlyEvaluate(nullptr).fork();
      }()) {}

kj::Promise<Status> Program::WhenExecuted() {
  return ReadFailure().then([this]() -> Status {
    failure_observer_ = nullptr;
    failure_fd_.Reset();
    if (!failure_.empty()) return DecodeFailure(failure_);
    Status taken = TakeStreams();
    if (!taken.ok()) Kill();  // nobody could speak with it
    return taken;
  });
}

Status Program::TakeStreams() {
  InputSink::Kind kind = InputSink::Kind::kPipe;
  if (terminal_fd_.valid()) {
    kind = InputSink::Kind::kTerminal;
    BOXLITE_ASSIGN_OR_RETURN(Terminal terminal, ReceiveTerminal(terminal_fd_.get()));
    terminal_fd_.Reset();
    BOXLITE_ASSIGN_OR_RETURN(input_fd_, DuplicateFd(terminal.master.get()));
    BOXLITE_ASSIGN_OR_RETURN(output_fd_, DuplicateFd(terminal.master.get()));
    terminal_ = std::move(terminal);
    if (ended()) terminal_->slave.Reset();
  }
  input_ = kj::heap<InputSink>(std::move(input_fd_), event_port_, kind);
  return {};
}

kj::Promise<void> Program::ReadFailure() {
  for (;;) {
    char buffer[512];
    const ssize_t count = ::read(failure_fd_.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      return failure_observer_->whenBecomesReadable().then([this]() { return ReadFailure(); });
    }
    if (count <= 0 || failure_.size() > kMaxFailureBytes) return kj::READY_NOW;
    failure_.append(buffer, static_cast<std::size_t>(count));
  }
}

void Program::Connect(wire::ByteSink::Client output, wire::ByteSink::Client errors) {
  if (terminal_) {
    output_ = kj::heap<OutputPump>(std::move(output_fd_), kj::mv(output), event_port_,
                                   OutputPump::Source::kTerminal);
    errors_end_ = errors.endRequest().send().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  } else {
    output_ = kj::heap<OutputPump>(std::move(output_fd_), kj::mv(output), event_port_);
    errors_ = kj::heap<OutputPump>(std::move(errors_fd_), kj::mv(errors), event_port_);
  }
  output_open_ = true;
  output_end_ = WhenOutputEnds().then([this]() { output_open_ = false; }).eagerlyEvaluate(nullptr);
}

kj::Promise<void> Program::WhenOutputEnds() {
  return KJ_ASSERT_NONNULL(output_)->WhenDone().then([this]() -> kj::Promise<void> {
    KJ_IF_MAYBE (errors, errors_) {
      return (*errors)->WhenDone();
    }
    return kj::READY_NOW;
  });
}

void Program::Ended(const siginfo_t& info) {
  ProgramExit exit;
  exit.by_signal = info.si_code != CLD_EXITED;
  exit.number = static_cast<std::uint8_t>(info.si_status);
  exit_ = exit;
  pidfd_.Reset();  // the capability may outlive the program for long
  if (terminal_) terminal_->slave.Reset();
  end_->fulfill();
}

kj::Promise<void> Program::Drain() {
  KJ_IF_MAYBE (output, output_) {
    const std::uint64_t output_owed = (*output)->Written();
    kj::Promise<void> enough =
        timer_.afterDelay(kDrainLimit.count() * kj::MILLISECONDS)
            .then([&pump = **output, output_owed]() { return pump.WhenDelivered(output_owed); })
            .then([&pump = **output]() { return pump.WhenTaken(); });
    KJ_IF_MAYBE (errors, errors_) {
      const std::uint64_t errors_owed = (*errors)->Written();
      enough =
          enough.then([&pump = **errors, errors_owed]() { return pump.WhenDelivered(errors_owed); })
              .then([&pump = **errors]() { return pump.WhenTaken(); });
    }
    return WhenOutputEnds().exclusiveJoin(kj::mv(enough));
  }
  return kj::READY_NOW;
}

kj::Promise<ProgramExit> Program::Wait() {
  return finished_.addBranch().then(
      [self = kj::addRef(*this)]() { return KJ_ASSERT_NONNULL(self->exit_); });
}

Status Program::Signal(int number, Whom whom) {
  if (number < 1 || number >= NSIG) {
    return Error(ErrorCode::kInvalidArgument, "no signal " + std::to_string(number));
  }
  if (ended()) return AlreadyEnded();
  // Not reaped yet, so neither its pid nor its group, which has the same number, can be anybody
  // else's.
  const int sent =
      whom == Whom::kGroup
          ? ::kill(-pid_, number)
          : static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0));
  if (sent == 0) return {};
  return errno == ESRCH ? AlreadyEnded() : ErrnoError("send the signal");
}

Status Program::Resize(WindowSize size) {
  if (ended()) return AlreadyEnded();
  if (!terminal_) return Error(ErrorCode::kWrongState, "the program has no terminal");
  return SetWindowSize(terminal_->master.get(), size);
}

void Program::Kill() {
  if (Status killed = cgroup_.Kill(); !killed.ok()) {
    KJ_LOG(ERROR, "a program could not be killed", killed.error().message().c_str());
  }
}

bool Program::TryForget() { return ended() && !output_open_ && cgroup_.Remove(); }

wire::Process::Client NewProcessService(kj::Own<Program> program) {
  return kj::heap<ProcessService>(kj::mv(program));
}

}  // namespace boxlite
