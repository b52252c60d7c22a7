#include "boxlite/shim/exec_registry.h"

#include <kj/debug.h>
#include <signal.h>

#include <algorithm>

#include "boxlite/base/wall_clock.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/shim_client.h"
#include "boxlite/shim/machine.h"

namespace boxlite {

ExecRegistry::ExecRegistry(kj::Timer& timer, ExecLimits limits)
    : timer_(timer),
      limits_(limits),
      kept_(limits.kept_bytes, [this]() { MakeRoom(); }),
      tasks_(*this) {}

void ExecRegistry::taskFailed(kj::Exception&& exception) { KJ_LOG(ERROR, "an exec", exception); }

kj::Own<Exec> ExecRegistry::Prepare(ExecFacts facts) {
  return kj::refcounted<Exec>(std::move(facts), kept_, limits_.ring_bytes);
}

void ExecRegistry::Run(kj::Own<Exec> exec, std::chrono::milliseconds timeout) {
  Exec& running = *exec;
  if (timeout.count() > 0) {
    tasks_.add(Enforce(kj::addRef(running), running.process(), timeout));
  }
  tasks_.add(running.TakeExit()
                 .then(
                     [&running](Exec::Exit&& answer) {
                       running.Ended(FromWireExit(answer.getExit()), WallClockNowNs());
                     },
                     [&running](kj::Exception&& exception) {
                       const Error why = FromStep(exception);
                       running.Lost(
                           Error(ErrorCode::kUnavailable, "the box went away: " + why.message()),
                           WallClockNowNs());
                     })
                 .then([this, &running]() {
                   ends_.push_back({&running, timer_.now()});
                   Sweep();
                 })
                 .attach(kj::addRef(running)));
  execs_.push_back(kj::mv(exec));
}

kj::Promise<void> ExecRegistry::Enforce(kj::Own<Exec> exec, wire::Process::Client process,
                                        std::chrono::milliseconds timeout) {
  auto kill = [process]() mutable { return process.killRequest().send().ignoreResult(); };
  kj::Promise<void> over = timer_.afterDelay(AsDuration(timeout));
  return over
      .then([exec = kj::mv(exec)]() mutable -> kj::Promise<Status> {
        Exec& running = *exec;
        return running.Signal(SIGTERM).then([exec = kj::mv(exec)](Status&& sent) mutable {
          if (sent.ok()) exec->TimedOut();
          return kj::mv(sent);
        });
      })
      .then([this](Status&& sent) -> kj::Promise<void> {
        // A leader that had ended leads nobody to a graceful end.
        if (!sent.ok()) return kj::READY_NOW;
        return timer_.afterDelay(AsDuration(kTimeoutGrace));
      })
      .then(kj::mv(kill))
      .catch_([](kj::Exception&&) {});  // the box went away, and the program with it
}

kj::Maybe<Exec&> ExecRegistry::Find(kj::StringPtr id) {
  for (kj::Own<Exec>& exec : execs_) {
    if (exec->facts().id == id.cStr()) return *exec;
  }
  return nullptr;
}

void ExecRegistry::Forget(std::size_t index) {
  const Exec* forgotten = ends_[index].exec;
  ends_.erase(ends_.begin() + static_cast<std::ptrdiff_t>(index));
  const auto at = std::find_if(execs_.begin(), execs_.end(),
                               [&](const auto& exec) { return exec.get() == forgotten; });
  // The guest may hold on to its streams for longer.
  (*at)->out().DropHistory();
  (*at)->err().DropHistory();
  execs_.erase(at);
}

void ExecRegistry::Sweep() {
  std::size_t kept = 0;
  kj::Maybe<kj::TimePoint> next;
  // From the newest end to the oldest: the last ones are kept.
  for (std::size_t i = ends_.size(); i-- > 0;) {
    if (ends_[i].exec->held()) continue;
    const kj::TimePoint until = ends_[i].at + limits_.kept_for;
    if (kept >= limits_.finished || until <= timer_.now()) {
      Forget(i);
    } else {
      ++kept;
      next = until;
    }
  }
  KJ_IF_MAYBE (time, next) {
    next_sweep_ = timer_.atTime(*time)
                      .then([this]() {
                        // Sweep() replaces this very promise: not from inside it.
                        tasks_.add(kj::evalLater([this]() { Sweep(); }));
                      })
                      .eagerlyEvaluate(nullptr);
  }
}

void ExecRegistry::MakeRoom() {
  const auto drop = [this](auto&& which) {
    for (kj::Own<Exec>& exec : execs_) {
      if (!kept_.over(kept_.wanted())) return;
      if (!which(*exec)) continue;
      exec->out().DropHistory();
      exec->err().DropHistory();
    }
  };
  drop([](Exec& exec) { return exec.ended() && !exec.being_read(); });
  drop([](Exec& exec) { return !exec.being_read(); });
  drop([](Exec&) { return true; });
}

}  // namespace boxlite
