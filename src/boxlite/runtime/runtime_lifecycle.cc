#include <signal.h>

#include "boxlite/base/files.h"
#include "boxlite/base/interrupt.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/engine_choice.h"
#include "boxlite/runtime/remove_box.h"
#include "boxlite/runtime/runtime_impl.h"
#include "boxlite/runtime/verb_lock.h"

namespace boxlite {
namespace {

// How long a verb that ends a life lets another verb finish before it tells a booting shim to give
// up.
constexpr milliseconds kPolitePause{1'000};

Error Refusal(Verb verb, BoxState state, const BoxId& id) {
  return Error(ErrorCode::kWrongState, std::string(VerbName(verb)) + " box " + id.str() + ": " +
                                           RefusalAdvice(verb, state));
}

}  // namespace

Result<OfdLock> RuntimeImpl::TakeVerb(const OpenBox& box, const std::string& verb) {
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, ExistingHome(box.id.str()));
  return TakeVerbLock(*home, box.id, box.fd.get(), verb, kVerbLockWait);
}

Result<OfdLock> RuntimeImpl::TakeVerbToEnd(const OpenBox& box, const std::string& verb,
                                           milliseconds grace) {
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, ExistingHome(box.id.str()));
  Result<OfdLock> lock = TakeVerbLock(*home, box.id, box.fd.get(), verb, kPolitePause);
  if (lock.ok() || lock.error().code() != ErrorCode::kTimeout) return lock;
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (DeriveState(evidence).state == BoxState::kStarting) {
    Result<ProcessHandle> shim = FindShim(box.fd.get(), evidence);
    // The start fails, its caller reports so and lets go of the lock.
    if (shim.ok()) BOXLITE_RETURN_IF_ERROR(shim->Signal(SIGTERM));
  } else if (evidence.shim_lock == LockState::kHeld) {
    // Most likely another stop waits for main's grace, which may be cut short: as docker's second
    // stop.
    static_cast<void>(AskToEnd(io(), box.fd.get(), box.id, evidence, grace));
  }
  return TakeVerbLock(*home, box.id, box.fd.get(), verb, kVerbLockWait);
}

Status RuntimeImpl::AwaitStarted(const OpenBox& box, const Evidence& evidence) {
  std::optional<std::string> life_id;
  if (evidence.record.present()) life_id = evidence.record.value.life_id;
  Result<std::unique_ptr<ShimClient>> client =
      ShimClient::Connect(io(), box.fd.get(), box.id, life_id, kHandshakeTimeout);
  // No socket yet, or none any more: the state is looked at again.
  if (!client.ok()) {
    Result<ProcessHandle> shim = FindShim(box.fd.get(), evidence);
    // Gone a moment ago: look again. A shim of another user's would be looked for without end.
    if (!shim.ok()) {
      return shim.error().code() == ErrorCode::kNotFound ? Status() : Status(shim.error());
    }
    Result<bool> ended = shim->WaitEnded(static_cast<int>(kFlushProgressStep.count()) / 100);
    return ended.ok() ? Status() : Status(ended.error());
  }
  using Answer = capnp::Response<wire::Shim::WaitStartedResults>;
  auto answer = (*client)->Await<Answer>((*client)->shim().waitStartedRequest().send(),
                                         kBootDeadline + kStartMargin);
  if (!answer.ok() && answer.error().code() == ErrorCode::kTimeout) return answer.error();
  return {};
}

Status RuntimeImpl::AwaitSettled(const OpenBox& box) {
  const auto deadline =
      std::chrono::steady_clock::now() + kBootDeadline + kStartMargin + kCallerCeiling;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const DerivedState derived = DeriveState(evidence);
    if (derived.state == BoxState::kStarting) {
      BOXLITE_RETURN_IF_ERROR(AwaitStarted(box, evidence));
    } else if (derived.state == BoxState::kStopping) {
      BOXLITE_ASSIGN_OR_RETURN(bool free, AwaitLocksFree(box.fd.get(), kCallerCeiling));
      static_cast<void>(free);  // the next look and the deadline decide
    } else {
      return {};
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(ErrorCode::kTimeout, "box " + box.id.str() + " is still " +
                                            std::string(BoxStateName(derived.state)) + ": " +
                                            derived.reason + "; rm -f or stop ends it");
    }
  }
}

Result<std::optional<StartedLife>> RuntimeImpl::StartLocked(const OpenBox& box, const OfdLock& verb,
                                                            const Starter& starter) {
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const VerbRule rule = RuleFor(Verb::kStart, DeriveState(evidence).state);
    if (rule == VerbRule::kNothingToDo) return std::optional<StartedLife>();
    if (rule == VerbRule::kDo) break;
    BOXLITE_RETURN_IF_ERROR(AwaitSettled(box));
  }
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, HomeForWriting());
  // A box made with --rm takes itself out as its last act, which may just have happened.
  if (!IsStillThere(*home, box.id, box.fd.get())) {
    return Error(ErrorCode::kNotFound, "no such box: " + box.id.str() + " (it has removed itself)");
  }
  BOXLITE_ASSIGN_OR_RETURN(BoxSpec spec, ReadSpec(box.fd.get()));
  BOXLITE_ASSIGN_OR_RETURN(std::string libexec, FindLibexec(options_.libexec));
  StartRequest request;
  request.home = home;
  request.libexec = libexec;
  request.spec = &spec;
  request.box_fd = box.fd.get();
  request.verb_lock_fd = verb.fd();
  request.attachment = starter.attachment;
  request.starter = starter.kind;
  request.reader_comes = starter.reader_comes;
  request.terminal_size = starter.terminal_size;
  request.interrupt_fd = starter.interrupt_fd;
  Result<StartedLife> started = StartLife(request);
  if (!started.ok()) {
    Error cause = std::move(started).error().While("start box " + box.id.str());
    Result<EndReport> ended = EndLife(io(), box.fd.get(), box.id, milliseconds(0));
    if (ended.ok()) return cause;
    return Error(cause.code(), cause.message() + "; and " + ended.error().message());
  }
  if (started->keepalive) attached_->Keep(box.id, std::move(*started->keepalive));
  return std::optional<StartedLife>(std::move(*started));
}

Status RuntimeImpl::Start(const BoxId& id, Attachment attachment) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(OfdLock verb, TakeVerb(box, "start"));
  Starter starter;
  starter.attachment = attachment;
  starter.kind = StartedBy::kNobody;  // also when the box's life is the caller's: it comes to exec
  starter.interrupt_fd = CurrentInterrupt();
  Result<std::optional<StartedLife>> started = StartLocked(box, verb, starter);
  return started.ok() ? Status() : Status(std::move(started).error());
}

Result<EndReport> RuntimeImpl::Stop(const BoxId& id, std::chrono::milliseconds grace) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  Result<OfdLock> verb = TakeVerbToEnd(box, "stop", grace);
  if (!verb.ok()) {
    // A box made with --rm that removed itself meanwhile has been stopped.
    return std::move(verb).error();
  }
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  const DerivedState derived = DeriveState(evidence);
  if (RuleFor(Verb::kStop, derived.state) == VerbRule::kNothingToDo) {
    EndReport report;
    report.exit = derived.exit;
    return report;
  }
  // The shim of an attached --rm box waits for its creator, which may be this very process.
  Result<EndReport> report =
      EndLife(io(), box.fd.get(), id, grace, [&] { attached_->Release(id); });
  attached_->Release(id);
  return report;
}

Status RuntimeImpl::Kill(const BoxId& id, int signal_number) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const BoxState state = DeriveState(evidence).state;
    const VerbRule rule = RuleFor(Verb::kKill, state);
    if (rule == VerbRule::kRefuse) return Refusal(Verb::kKill, state, id);
    if (rule == VerbRule::kDo) break;
    BOXLITE_RETURN_IF_ERROR(AwaitSettled(box));
  }
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client, ConnectLive(box));
  auto request = client->shim().signalMainRequest();
  request.setNumber(signal_number);
  using Answer = capnp::Response<wire::Shim::SignalMainResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client->Await<Answer>(request.send(), kHandshakeTimeout));
  Status sent = FromWire(answer.getError());
  if (!sent.ok()) return std::move(sent).error().While("signal box " + id.str());
  return {};
}

Status RuntimeImpl::Remove(const BoxId& id, Force force) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  const Verb verb_kind = force == Force::kYes ? Verb::kForceRemove : Verb::kRemove;
  BOXLITE_ASSIGN_OR_RETURN(OfdLock verb, force == Force::kYes
                                             ? TakeVerbToEnd(box, "rm -f", milliseconds(0))
                                             : TakeVerb(box, "rm"));
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  const BoxState state = DeriveState(evidence).state;
  if (RuleFor(verb_kind, state) == VerbRule::kRefuse) return Refusal(verb_kind, state, id);
  Result<BoxSpec> spec = ReadSpec(box.fd.get());
  // A newer boxlite may keep what this one does not know of; who insists is believed.
  if (force == Force::kNo && !spec.ok() && spec.error().code() == ErrorCode::kUnsupported) {
    return std::move(spec).error().While("remove box " + id.str());
  }
  if (force == Force::kYes) {
    BOXLITE_ASSIGN_OR_RETURN(EndReport report, EndLife(io(), box.fd.get(), id, milliseconds(0),
                                                       [&] { attached_->Release(id); }));
    attached_->Release(id);
    static_cast<void>(report);
  }
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, HomeForWriting());
  // A --rm box that was ended has removed itself: that is what was asked for.
  if (!IsStillThere(*home, id, box.fd.get())) return {};
  // No lock is taken to be sure: a reader would see it held and call the box alive. Only a shim
  // takes these locks, and a shim that has not yet taken them holds the verb lock that we have.
  if (Status removed = TakeOutBox(*home, id); !removed.ok()) {
    return std::move(removed).error().While("remove box " + id.str());
  }
  SweepLeftovers(*home);
  return {};
}

}  // namespace boxlite
