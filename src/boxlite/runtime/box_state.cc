#include "boxlite/runtime/box_state.h"

namespace boxlite {
namespace {

std::string DescribeExit(const ProcessExit& exit) {
  if (exit.signal) return "main was ended by signal " + std::to_string(*exit.signal);
  return "main exited with code " + std::to_string(exit.code.value_or(0));
}

std::string_view WhileInPhase(Phase phase) {
  switch (phase) {
    case Phase::kBooting:
      return "the machine was booting";
    case Phase::kReady:
      return "the machine was ready and main was about to start";
    case Phase::kMainStarted:
      return "main was running";
    case Phase::kStopping:
      return "the box was stopping";
  }
  return "";
}

std::optional<ProcessExit> KnownExit(const Evidence& evidence) {
  if (!evidence.main_exit.present()) return std::nullopt;
  return evidence.main_exit.value.exit;
}

DerivedState DeriveOwned(const Evidence& evidence) {
  const std::optional<ProcessExit> exit = KnownExit(evidence);
  if (evidence.life_pending || evidence.life_number == 0) {
    return {BoxState::kStarting, "its supervisor prepares the machine", std::nullopt};
  }
  if (evidence.outcome.kind != Read<LifeOutcome>::Kind::kAbsent) {
    return {BoxState::kStopping, "the machine is gone, its supervisor is leaving", exit};
  }
  if (exit)
    return {BoxState::kStopping, DescribeExit(*exit) + ", the box is being shut down", exit};
  if (!evidence.record.present()) {
    return {BoxState::kRunning, "its supervisor lives, but the record of this life is unreadable",
            std::nullopt};
  }
  switch (evidence.record.value.phase) {
    case Phase::kBooting:
      return {BoxState::kStarting, "the machine is booting", std::nullopt};
    case Phase::kReady:
      return {BoxState::kStarting, "the machine is ready, main is about to start", std::nullopt};
    case Phase::kMainStarted:
      return {BoxState::kRunning, "main is running", std::nullopt};
    case Phase::kStopping:
      return {BoxState::kStopping, "the box is being shut down", std::nullopt};
  }
  return {BoxState::kRunning, "its supervisor lives", std::nullopt};
}

DerivedState DeriveEnded(const LifeOutcome& outcome, const std::optional<ProcessExit>& exit) {
  if (outcome.kind == OutcomeKind::kFailed) {
    const std::string at = outcome.stage.empty() ? "" : "at " + outcome.stage + ": ";
    return {BoxState::kFailed, at + outcome.reason, exit};
  }
  std::string reason = exit ? DescribeExit(*exit) : "it was stopped before main ended";
  if (!outcome.forced.empty()) reason += "; forced: " + outcome.forced;
  if (!outcome.flushed) reason += "; the last flush is unconfirmed";
  return {BoxState::kStopped, reason, exit};
}

// Nobody owns the box, nothing of it lives, and its shim left no last word.
DerivedState DeriveLost(const Evidence& evidence) {
  const std::optional<ProcessExit> exit = KnownExit(evidence);
  if (evidence.outcome.kind == Read<LifeOutcome>::Kind::kUnreadable) {
    return {BoxState::kFailed, "the report of how it ended is unreadable (it was kept)", exit};
  }
  if (exit) {
    return {BoxState::kStopped,
            DescribeExit(*exit) + "; its supervisor was lost before the last flush was confirmed",
            exit};
  }
  if (!evidence.record.present()) {
    return {BoxState::kFailed, "nothing of it lives, and the record of its last life is unreadable",
            std::nullopt};
  }
  const LifeRecord& record = evidence.record.value;
  if (record.phase == Phase::kStopping) {
    return {BoxState::kStopped, "its supervisor was lost while stopping; the flush is unconfirmed",
            std::nullopt};
  }
  if (record.host.boot_id != evidence.boot_id) {
    return {BoxState::kFailed,
            "the host restarted while " + std::string(WhileInPhase(record.phase)), std::nullopt};
  }
  return {BoxState::kFailed,
          "its supervisor was lost while " + std::string(WhileInPhase(record.phase)), std::nullopt};
}

}  // namespace

std::string_view BoxStateName(BoxState state) {
  switch (state) {
    case BoxState::kConfigured:
      return "configured";
    case BoxState::kStarting:
      return "starting";
    case BoxState::kRunning:
      return "running";
    case BoxState::kStopping:
      return "stopping";
    case BoxState::kStopped:
      return "stopped";
    case BoxState::kFailed:
      return "failed";
  }
  return "";
}

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kBooting:
      return "booting";
    case Phase::kReady:
      return "ready";
    case Phase::kMainStarted:
      return "main-started";
    case Phase::kStopping:
      return "stopping";
  }
  return "";
}

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kStart:
      return "start";
    case Verb::kStop:
      return "stop";
    case Verb::kRestart:
      return "restart";
    case Verb::kKill:
      return "kill";
    case Verb::kRemove:
      return "rm";
    case Verb::kForceRemove:
      return "rm -f";
    case Verb::kExec:
      return "exec";
    case Verb::kCopy:
      return "cp";
    case Verb::kWait:
      return "wait";
    case Verb::kLogs:
      return "logs";
    case Verb::kInspect:
      return "inspect";
    case Verb::kAttach:
      return "attach";
  }
  return "";
}

DerivedState DeriveState(const Evidence& evidence) {
  if (evidence.shim_lock == LockState::kHeld) return DeriveOwned(evidence);
  if (evidence.vm_lock == LockState::kHeld) {
    return {BoxState::kStopping, "its supervisor is gone, its machine is leaving",
            KnownExit(evidence)};
  }
  if (evidence.life_number == 0) {
    return {BoxState::kConfigured,
            evidence.life_pending ? "it was never started: a start was cut short"
                                  : "it was never started",
            std::nullopt};
  }
  if (evidence.outcome.present()) return DeriveEnded(evidence.outcome.value, KnownExit(evidence));
  return DeriveLost(evidence);
}

VerbRule RuleFor(Verb verb, BoxState state) {
  using enum VerbRule;
  // Columns: configured, starting, running, stopping, stopped, failed.
  static constexpr VerbRule kTable[kVerbCount][kStateCount] = {
      /* start   */ {kDo, kWaitThenDo, kNothingToDo, kWaitThenDo, kDo, kDo},
      /* stop    */ {kNothingToDo, kDo, kDo, kDo, kNothingToDo, kNothingToDo},
      /* restart */ {kDo, kDo, kDo, kDo, kDo, kDo},
      /* kill    */ {kRefuse, kWaitThenDo, kDo, kDo, kRefuse, kRefuse},
      /* rm      */ {kDo, kRefuse, kRefuse, kRefuse, kDo, kDo},
      /* rm -f   */ {kDo, kDo, kDo, kDo, kDo, kDo},
      /* exec    */ {kBootThenDo, kWaitThenDo, kDo, kRefuse, kBootThenDo, kRefuse},
      /* cp      */ {kBootThenDo, kWaitThenDo, kDo, kRefuse, kBootThenDo, kRefuse},
      /* wait    */ {kRefuse, kDo, kDo, kDo, kDo, kDo},
      /* logs    */ {kDo, kDo, kDo, kDo, kDo, kDo},
      /* inspect */ {kDo, kDo, kDo, kDo, kDo, kDo},
      /* attach  */ {kRefuse, kWaitThenDo, kDo, kRefuse, kRefuse, kRefuse},
  };
  return kTable[static_cast<int>(verb)][static_cast<int>(state)];
}

std::string RefusalAdvice(Verb verb, BoxState state) {
  std::string is = "it is " + std::string(BoxStateName(state));
  switch (verb) {
    case Verb::kKill:
      return is + ": there is no process to signal";
    case Verb::kRemove:
      return is + ": stop it first, or use rm -f";
    case Verb::kExec:
    case Verb::kCopy:
      if (state == BoxState::kStopping) return is + ": wait for it to stop, then start it";
      return is + ": start it first";
    case Verb::kWait:
      return is + ": start it first";
    case Verb::kAttach:
      if (state == BoxState::kStopping) return is + ": logs shows what its main command wrote";
      return is + ": start -a starts it and attaches";
    case Verb::kStart:
    case Verb::kStop:
    case Verb::kRestart:
    case Verb::kForceRemove:
    case Verb::kLogs:
    case Verb::kInspect:
      break;
  }
  return is;
}

}  // namespace boxlite
