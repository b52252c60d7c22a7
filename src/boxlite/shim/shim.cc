#include "boxlite/shim/shim.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <signal.h>
#include <unistd.h>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/remove_box.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {

namespace {

template <typename T>
kj::ForkedPromise<T> MakeSignal(kj::Own<kj::PromiseFulfiller<T>>& fulfiller) {
  auto pair = kj::newPromiseAndFulfiller<T>();
  fulfiller = kj::mv(pair.fulfiller);
  return pair.promise.fork();
}

kj::Exception StepFailure(Status status) { return AsException(status.error()); }

}  // namespace

Shim::Shim(kj::AsyncIoContext& io, ShimBirth birth, ShimInheritance inheritance)
    : io_(io),
      timer_(io.provider->getTimer()),
      birth_(std::move(birth)),
      inheritance_(std::move(inheritance)),
      execs_(kj::heap<ExecRegistry>(timer_)),
      grace_(kDefaultGrace),
      stop_(MakeSignal(stop_fulfiller_)),
      started_(MakeSignal(started_fulfiller_)),
      main_exited_(MakeSignal(main_exited_fulfiller_)),
      tasks_(*this) {}

Shim::~Shim() noexcept(false) = default;

void Shim::taskFailed(kj::Exception&& exception) { KJ_LOG(ERROR, "a background task", exception); }

std::string_view Shim::phase() const { return life_ ? PhaseName(life_->record().phase) : "none"; }

wire::Process::Client Shim::main() { return *main_; }

void Shim::Report(const StartReport& report) {
  if (!inheritance_.report.valid()) return;
  // A starter that died does not read it; the life goes on all the same (SIGPIPE is ignored).
  static_cast<void>(WriteAll(inheritance_.report.get(), EncodeReport(report)).ok());
  if (report.event != StartEvent::kRecorded) inheritance_.report.Reset();
}

void Shim::RequestStop(std::chrono::milliseconds grace) {
  // A later request may be more impatient, never more patient.
  if (!stop_requested_ || grace < grace_) grace_ = grace;
  stop_requested_ = true;
  stop_fulfiller_->fulfill();
  if (grace_changed_.get() != nullptr) grace_changed_->fulfill();
}

Status Shim::TakeLife() {
  LifeRecord record;
  record.life_id = birth_.life_id;
  record.attached = birth_.attached;
  record.protocol_version = kShimProtocolVersion;
  record.started_ns = WallClockNowNs();
  record.accelerator = birth_.accelerator;
  BOXLITE_ASSIGN_OR_RETURN(record.shim, IdentityOf(::getpid()));
  BOXLITE_ASSIGN_OR_RETURN(record.host, CurrentHostIdentity());
  BOXLITE_ASSIGN_OR_RETURN(
      LifeWriter life,
      LifeWriter::Begin(inheritance_.box.get(), std::move(inheritance_.life), std::move(record)));
  life_ = std::move(life);
  BOXLITE_FAILPOINT("shim.published");
  inheritance_.verb_lock.Reset();
  Report({StartEvent::kRecorded});
  return {};
}

Status Shim::OpenForBusiness() {
  stage_ = "socket";
  BOXLITE_ASSIGN_OR_RETURN(LogWriter log, LogWriter::Open(inheritance_.box.get()));
  log_ = std::make_shared<LogWriter>(std::move(log));
  gate_ = std::make_shared<LogGate>(log_);
  if (birth_.reader_comes) {
    awaited_reader_ = gate_->AddReader(log_->end());
    tasks_.add(WatchReader());
  }
  socket_ = kj::heap<BoxSocket>(*io_.lowLevelProvider, timer_, inheritance_.box.get(),
                                NewShimService(*this));
  BOXLITE_RETURN_IF_ERROR(socket_->Bind());
  BOXLITE_FAILPOINT("shim.bound");
  BOXLITE_ASSIGN_OR_RETURN(watch_, BoxWatch::Create(io_.unixEventPort, inheritance_.home.boxes_fd(),
                                                    inheritance_.box.get(), birth_.spec.id));
  tasks_.add(WatchDirectory());
  if (birth_.attached) {
    creator_let_go_ = WhenCreatorLetGo().fork();
    tasks_.add(WatchCreator());
  }
  return {};
}

kj::Promise<void> Shim::Run() {
  tasks_.add(WatchSignals());
  if (Status taken = TakeLife(); !taken.ok()) {
    // Nothing was published: there is no life to conclude.
    Report({StartEvent::kFailed, taken.error().code(), stage_, taken.error().message()});
    KJ_LOG(ERROR, "no life began", taken.error().message().c_str());
    return kj::READY_NOW;
  }
  kj::Promise<void> starting = kj::evalNow([this]() -> kj::Promise<void> {
    if (Status opened = OpenForBusiness(); !opened.ok()) return StepFailure(std::move(opened));
    return Boot();
  });
  kj::Promise<void> stopped = stop_.addBranch().then([]() -> kj::Promise<void> {
    return AsException(Error(ErrorCode::kUnavailable, "it was stopped while it was starting"));
  });
  return starting.exclusiveJoin(kj::mv(stopped))
      .then([this]() { return ServeUntilEnd(); })
      .catch_([this](kj::Exception&& exception) { return Fail(kj::mv(exception)); });
}

kj::Promise<void> Shim::ServeUntilEnd() {
  BOXLITE_FAILPOINT("shim.started");
  Report({StartEvent::kStarted});
  started_fulfiller_->fulfill();
  return OrMachineEnds(main_end_->addBranch()).exclusiveJoin(stop_.addBranch()).then([this]() {
    return EndGracefully();
  });
}

kj::Promise<void> Shim::OrMachineEnds(kj::Promise<void> step) {
  kj::Promise<void> patient = step.catch_([this](kj::Exception&& exception) -> kj::Promise<void> {
    if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
    return timer_.afterDelay(AsDuration(kQuitBudget))
        .then([exception = kj::mv(exception)]() mutable -> kj::Promise<void> {
          return kj::mv(exception);
        });
  });
  return patient.exclusiveJoin(WhenMachineEnds());
}

kj::Promise<void> Shim::WhenMachineEnds() {
  return machine_->vm().WhenEnded().then([](VmExit&& exit) -> kj::Promise<void> {
    return AsException(
        Error(ErrorCode::kUnavailable, "the machine ended by itself: it " + exit.Describe()));
  });
}

kj::Promise<void> Shim::RecordMainEnd() {
  return main_->waitRequest().send().then([this](auto&& answer) {
    MainExit main_exit;
    const auto exit = answer.getExit();
    if (exit.isSignal()) {
      main_exit.exit.signal = exit.getSignal();
    } else {
      main_exit.exit.code = exit.getCode();
    }
    main_exit.life_id = birth_.life_id;
    main_exit.at_ns = WallClockNowNs();
    main_exit.log_end = log_->end();
    main_ended_ = true;
    // Durable before anybody is told.
    Status written = life_->WriteMainExit(main_exit);
    if (!written.ok()) {
      KJ_LOG(ERROR, "main's exit could not be written", written.error().message().c_str());
    }
    BOXLITE_FAILPOINT("shim.exit");
    main_exited_fulfiller_->fulfill(kj::mv(main_exit));
  });
}

kj::Promise<void> Shim::EndMain() {
  if (main_ended_) return kj::READY_NOW;
  auto signal = main_->signalRequest();
  signal.setNumber(birth_.spec.stop_signal);
  // Nothing here waits for the guest's answer: a silent guest has the same grace as a stubborn
  // main.
  kj::Promise<void> asked = signal.send().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  // Its last words, and what it had said already, must not keep its end from being seen.
  gate_->Widen();
  // A main that ignores the signal is killed, with all that runs beside it.
  kj::Promise<void> given_up = WhenGraceIsOver(timer_.now()).then([this]() {
    gate_->Open();
    main_forced_ =
        "main outlived its grace of " + std::to_string(grace_.count()) + " ms and was killed";
    tasks_.add(main_->killRequest().send().ignoreResult().catch_([](kj::Exception&&) {}));
    return timer_.afterDelay(AsDuration(kMainReapBudget));
  });
  return main_end_->addBranch().exclusiveJoin(kj::mv(given_up)).attach(kj::mv(asked));
}

kj::Promise<void> Shim::WhenGraceIsOver(kj::TimePoint begin) {
  auto changed = kj::newPromiseAndFulfiller<void>();
  grace_changed_ = kj::mv(changed.fulfiller);
  return timer_.atTime(begin + AsDuration(grace_))
      .exclusiveJoin(kj::mv(changed.promise))
      .then([this, begin]() -> kj::Promise<void> {
        if (timer_.now() >= begin + AsDuration(grace_)) return kj::READY_NOW;
        return WhenGraceIsOver(begin);
      });
}

kj::Promise<void> Shim::EndGracefully() {
  stage_ = "stop";
  const bool requested = stop_requested_ && !main_ended_;
  stop_requested_ = true;
  if (Status phase = life_->SetPhase(Phase::kStopping); !phase.ok()) {
    KJ_LOG(ERROR, "the phase could not be written", phase.error().message().c_str());
  }
  BOXLITE_FAILPOINT("shim.stopping");
  return EndMain()
      .catch_([](kj::Exception&& exception) { KJ_LOG(ERROR, "main's end", exception); })
      .then([this]() { return machine_->End(); })
      .then([this, requested](EndFacts&& facts) {
        LifeOutcome outcome;
        outcome.kind = OutcomeKind::kEnded;
        outcome.requested = requested;
        outcome.flushed = facts.flushed;
        outcome.forced = main_forced_;
        if (!main_forced_.empty() && !facts.forced.empty()) outcome.forced += "; ";
        outcome.forced += facts.forced;
        return Conclude(std::move(outcome));
      });
}

kj::Promise<void> Shim::Fail(kj::Exception&& exception) {
  const Error error = FromStep(exception);
  LifeOutcome outcome;
  outcome.kind = OutcomeKind::kFailed;
  outcome.requested = stop_requested_;
  outcome.stage = stage_;
  outcome.code = error.code();
  outcome.reason = error.message();
  const bool booting = life_->record().phase == Phase::kBooting;
  if (booting) outcome.reason += ConsoleTail();
  stop_requested_ = true;
  kj::Promise<void> emptied = kj::READY_NOW;
  if (machine_.get() != nullptr) {
    if (life_->record().phase == Phase::kReady && !box_is_gone_) {
      // The root is mounted: a command that could not start must not cost a journal replay.
      emptied = machine_->End().ignoreResult();
    } else {
      machine_->vm().Kill();
      emptied = machine_->vm().WhenEnded().ignoreResult();
    }
  }
  return emptied.catch_([](kj::Exception&& e) { KJ_LOG(ERROR, "ending a failed machine", e); })
      .then(
          [this, outcome = std::move(outcome)]() mutable { return Conclude(std::move(outcome)); });
}

kj::Promise<void> Shim::Conclude(LifeOutcome outcome) {
  machine_ = nullptr;  // reaped: nothing of the machine holds the VM lock any more
  BOXLITE_FAILPOINT("shim.emptied");
  outcome.at_ns = WallClockNowNs();
  const bool removes_box = birth_.spec.remove_on_exit && !box_is_gone_;
  // A box that removes itself may wait for a reader first: until then it says that it lives.
  if (socket_.get() != nullptr && !removes_box) socket_->Unlink();
  const StartReport failure{StartEvent::kFailed, outcome.code, outcome.stage, outcome.reason};
  const bool failed = outcome.kind == OutcomeKind::kFailed;
  if (Status written = life_->WriteOutcome(std::move(outcome)); !written.ok()) {
    KJ_LOG(ERROR, "the outcome could not be written", written.error().message().c_str());
  }
  BOXLITE_FAILPOINT("shim.outcome");
  if (failed) {
    Report(failure);
    const Error why(failure.code, "at " + failure.stage + ": " + failure.message);
    started_fulfiller_->reject(AsException(why));
    main_exited_fulfiller_->reject(AsException(Error(ErrorCode::kWrongState, why.message())));
  } else {
    main_exited_fulfiller_->reject(AsException(
        Error(ErrorCode::kWrongState, "this life was ended before main had an exit code")));
  }
  if (!removes_box) return kj::READY_NOW;
  return WhenReaderLetGo().then([this]() { return WhenUnread(); }).then([this]() { RemoveBox(); });
}

kj::Promise<void> Shim::WhenReaderLetGo() {
  if (!creator_let_go_ || detached_) return kj::READY_NOW;
  // A foreground run still reads the log; it lets go when it has everything, or dies. A creator
  // that does not read at all must not hold up who asked for the end.
  return creator_let_go_->addBranch().exclusiveJoin(
      stop_.addBranch().then([this]() { return timer_.afterDelay(AsDuration(kReaderBudget)); }));
}

kj::Promise<void> Shim::WhenUnread() {
  if (!gate_) return kj::READY_NOW;  // it ended before it had a log
  return gate_->WhenUnread().exclusiveJoin(timer_.afterDelay(AsDuration(kReaderBudget)));
}

void Shim::RemoveBox() {
  if (socket_.get() != nullptr) socket_->Unlink();
  const std::optional<BoxId> id = BoxId::Parse(birth_.spec.id);
  if (!id) return;
  Status removed = TakeOutBox(inheritance_.home, *id);
  if (!removed.ok()) {
    KJ_LOG(ERROR, "the box could not be removed", removed.error().message().c_str());
  }
}

kj::Promise<void> Shim::WatchSignals() {
  return io_.unixEventPort.onSignal(SIGTERM).then([this](siginfo_t&&) {
    RequestStop(kDefaultGrace);
    return WatchSignals();
  });
}

kj::Promise<void> Shim::WhenCreatorLetGo() {
  using Observer = kj::UnixEventPort::FdObserver;
  auto pipe =
      kj::heap<Observer>(io_.unixEventPort, inheritance_.keepalive.get(), Observer::OBSERVE_READ);
  auto process =
      kj::heap<Observer>(io_.unixEventPort, inheritance_.creator.get(), Observer::OBSERVE_READ);
  kj::Promise<void> closed = pipe->whenBecomesReadable().attach(kj::mv(pipe));
  kj::Promise<void> died = process->whenBecomesReadable().attach(kj::mv(process));
  return closed.exclusiveJoin(kj::mv(died));
}

kj::Promise<void> Shim::WatchCreator() {
  return creator_let_go_->addBranch().then([this]() {
    // A stop under way has a grace of its own, which this must not shorten.
    if (!detached_ && !stop_requested_) RequestStop(kDefaultGrace);
  });
}

kj::Promise<void> Shim::WatchReader() {
  using Observer = kj::UnixEventPort::FdObserver;
  auto pipe =
      kj::heap<Observer>(io_.unixEventPort, inheritance_.reader.get(), Observer::OBSERVE_READ);
  kj::Promise<void> came = pipe->whenBecomesReadable().attach(kj::mv(pipe));
  return came.then([this]() {
    awaited_reader_ = nullptr;
    inheritance_.reader.Reset();
  });
}

kj::Promise<void> Shim::WatchDirectory() {
  return watch_->Next().then([this](BoxWatch::Change change) -> kj::Promise<void> {
    if (change == BoxWatch::Change::kGone) {
      // Nobody can find this box any more, and its disk is deleted: there is nothing to save.
      box_is_gone_ = true;
      RequestStop(std::chrono::milliseconds(0));
      if (machine_.get() != nullptr) machine_->vm().Kill();
      return kj::READY_NOW;
    }
    if (socket_.get() != nullptr && !stop_requested_) {
      Status bound = socket_->RebindIfGone();
      if (!bound.ok()) KJ_LOG(ERROR, "the socket was deleted", bound.error().message().c_str());
    }
    return WatchDirectory();
  });
}

}  // namespace boxlite
