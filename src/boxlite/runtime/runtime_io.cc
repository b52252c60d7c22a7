#include <memory>

#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {

Result<std::unique_ptr<ShimClient>> RuntimeImpl::ConnectLive(const OpenBox& box) {
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  std::optional<std::string> life_id;
  if (evidence.record.present()) life_id = evidence.record.value.life_id;
  Result<std::unique_ptr<ShimClient>> client =
      ShimClient::Connect(io(), box.fd.get(), box.id, life_id, kHandshakeTimeout);
  if (!client.ok()) {
    return std::move(client).error().While("box " + box.id.str() + " is " +
                                           std::string(BoxStateName(DeriveState(evidence).state)));
  }
  return client;
}

Status RuntimeImpl::BootForVerb(const OpenBox& box, Verb verb, BoxState state, Attachment boot_as) {
  const std::string name(VerbName(verb));
  BOXLITE_ASSIGN_OR_RETURN(BoxSpec spec, ReadSpec(box.fd.get()));
  if (spec.command == Command::kUsers) {
    return Error(ErrorCode::kWrongState,
                 name + " in box " + box.id.str() + ": " + RefusalAdvice(verb, state) +
                     " (it has a command of its own, which " + name + " must not run again)");
  }
  if (boot_as == Attachment::kAttached && spec.remove_on_exit) {
    return Error(ErrorCode::kWrongState, name + " in box " + box.id.str() + ": " +
                                             RefusalAdvice(verb, state) +
                                             " (it was made with --rm and would be gone after it)");
  }
  return Start(box.id, boot_as);
}

Result<RuntimeImpl::Connection> RuntimeImpl::ConnectForVerb(const OpenBox& box, Verb verb,
                                                            Attachment boot_as) {
  bool booted = false;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const BoxState state = DeriveState(evidence).state;
    switch (RuleFor(verb, state)) {
      case VerbRule::kDo: {
        Result<std::unique_ptr<ShimClient>> client = ConnectLive(box);
        if (client.ok()) return Connection{std::move(*client), booted};
        // It may have ended between the look and the connection: then its new state decides.
        BOXLITE_ASSIGN_OR_RETURN(evidence, ReadEvidence(box.fd.get()));
        if (DeriveState(evidence).state == state) return std::move(client).error();
        break;
      }
      case VerbRule::kWaitThenDo:
        BOXLITE_RETURN_IF_ERROR(AwaitSettled(box));
        break;
      case VerbRule::kBootThenDo:
        BOXLITE_RETURN_IF_ERROR(BootForVerb(box, verb, state, boot_as));
        // Somebody else may have been first: then it is not ours to stop.
        booted = boot_as == Attachment::kDetached || attached_->Holds(box.id);
        break;
      case VerbRule::kRefuse:
      case VerbRule::kNothingToDo:
        return Error(ErrorCode::kWrongState, std::string(VerbName(verb)) + " in box " +
                                                 box.id.str() + ": " + RefusalAdvice(verb, state));
    }
  }
}

Error RuntimeImpl::BoxWentAway(const OpenBox& box, Verb verb, Error error) {
  Result<Evidence> evidence = ReadEvidence(box.fd.get());
  if (!evidence.ok()) return error;
  return Error(ErrorCode::kUnavailable,
               std::string(VerbName(verb)) + " in box " + box.id.str() +
                   ": the box went away: " + DeriveState(*evidence).reason);
}

Result<ProcessExit> RuntimeImpl::RecordedExit(const Evidence& evidence, const BoxId& id) {
  if (evidence.main_exit.present()) return evidence.main_exit.value.exit;
  const DerivedState derived = DeriveState(evidence);
  return Error(
      ErrorCode::kWrongState,
      "wait for box " + id.str() + ": this life ended without main's exit: " + derived.reason);
}

Status RuntimeImpl::AwaitShimEnd(const OpenBox& box, const Evidence& evidence) {
  Result<ProcessHandle> shim = FindShim(box.fd.get(), evidence);
  if (!shim.ok()) {
    if (shim.error().code() != ErrorCode::kNotFound) return std::move(shim).error();
    BOXLITE_ASSIGN_OR_RETURN(bool free, AwaitLocksFree(box.fd.get(), kCallerCeiling));
    if (free) return {};
    return Error(ErrorCode::kTimeout, "the machine of box " + box.id.str() + " does not leave");
  }
  BOXLITE_ASSIGN_OR_RETURN(bool ended, shim->WaitEnded(-1));
  static_cast<void>(ended);
  return {};
}

Result<ProcessExit> RuntimeImpl::Wait(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const DerivedState derived = DeriveState(evidence);
    if (RuleFor(Verb::kWait, derived.state) == VerbRule::kRefuse) {
      return Error(ErrorCode::kWrongState,
                   "wait for box " + id.str() + ": " + RefusalAdvice(Verb::kWait, derived.state));
    }
    const bool over = evidence.shim_lock == LockState::kFree;
    const bool told = evidence.main_exit.present() && !evidence.life_pending;
    if (over || told) return RecordedExit(evidence, id);
    Result<std::unique_ptr<ShimClient>> client = ConnectLive(box);
    if (client.ok()) {
      using Answer = capnp::Response<wire::Shim::WaitMainResults>;
      Result<Answer> answer = (*client)->Await<Answer>((*client)->shim().waitMainRequest().send());
      // The connection broke: the evidence says what happened.
      if (!answer.ok()) {
        BOXLITE_RETURN_IF_ERROR(AwaitShimEnd(box, evidence));
        continue;
      }
      Status status = FromWire(answer->getError());
      if (!status.ok()) return std::move(status).error().While("wait for box " + id.str());
      return FromWireExit(answer->getExit());
    }
    // A live box that cannot be asked (its socket was deleted, its shim is stopped): its end can be
    // seen.
    BOXLITE_RETURN_IF_ERROR(AwaitShimEnd(box, evidence));
  }
}

}  // namespace boxlite
