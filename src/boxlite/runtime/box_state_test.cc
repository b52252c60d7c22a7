#include "boxlite/runtime/box_state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace boxlite {
namespace {

constexpr BoxState kStates[] = {BoxState::kConfigured, BoxState::kStarting, BoxState::kRunning,
                                BoxState::kStopping,   BoxState::kStopped,  BoxState::kFailed};
constexpr Verb kVerbs[] = {Verb::kStart,  Verb::kStop,        Verb::kRestart, Verb::kKill,
                           Verb::kRemove, Verb::kForceRemove, Verb::kExec,    Verb::kWait,
                           Verb::kLogs,   Verb::kInspect,     Verb::kAttach,  Verb::kCopy};
constexpr Phase kPhases[] = {Phase::kBooting, Phase::kReady, Phase::kMainStarted, Phase::kStopping};

template <typename T>
Read<T> Present(T value) {
  return {Read<T>::Kind::kPresent, std::move(value)};
}
template <typename T>
Read<T> Unreadable() {
  return {Read<T>::Kind::kUnreadable, {}};
}

Evidence LiveEvidence(Phase phase) {
  Evidence evidence;
  evidence.shim_lock = LockState::kHeld;
  evidence.vm_lock = LockState::kHeld;
  evidence.life_number = 1;
  evidence.boot_id = "boot";
  LifeRecord record;
  record.life_id = "life";
  record.number = 1;
  record.phase = phase;
  record.host.boot_id = "boot";
  evidence.record = Present(record);
  return evidence;
}

Evidence DeadEvidence(Phase phase) {
  Evidence evidence = LiveEvidence(phase);
  evidence.shim_lock = LockState::kFree;
  evidence.vm_lock = LockState::kFree;
  return evidence;
}

MainExit ExitOf(int code) {
  MainExit main_exit;
  main_exit.life_id = "life";
  main_exit.exit.code = code;
  return main_exit;
}

LifeOutcome Outcome(OutcomeKind kind) {
  LifeOutcome outcome;
  outcome.life_id = "life";
  outcome.kind = kind;
  outcome.flushed = true;
  outcome.stage = "guest";
  outcome.reason = "no answer";
  return outcome;
}

TEST(DeriveState, NeverStartedIsConfigured) {
  EXPECT_EQ(DeriveState(Evidence{}).state, BoxState::kConfigured);
}

TEST(DeriveState, ACutShortStartLeavesItConfigured) {
  Evidence evidence;
  evidence.life_pending = true;
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kConfigured);
}

TEST(DeriveState, AHeldShimLockFollowsThePhase) {
  EXPECT_EQ(DeriveState(LiveEvidence(Phase::kBooting)).state, BoxState::kStarting);
  EXPECT_EQ(DeriveState(LiveEvidence(Phase::kReady)).state, BoxState::kStarting);
  EXPECT_EQ(DeriveState(LiveEvidence(Phase::kMainStarted)).state, BoxState::kRunning);
  EXPECT_EQ(DeriveState(LiveEvidence(Phase::kStopping)).state, BoxState::kStopping);
}

TEST(DeriveState, AHeldLockBeatsAForeignBootId) {
  Evidence evidence = LiveEvidence(Phase::kMainStarted);
  evidence.boot_id = "another boot";
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kRunning);
}

TEST(DeriveState, AHeldLockBeatsAnUnreadableRecord) {
  Evidence evidence = LiveEvidence(Phase::kMainStarted);
  evidence.record = Unreadable<LifeRecord>();
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kRunning);
}

TEST(DeriveState, AnEarlierLifesOutcomeDoesNotStopANewStart) {
  Evidence evidence = LiveEvidence(Phase::kMainStarted);
  evidence.outcome = Present(Outcome(OutcomeKind::kEnded));
  evidence.life_pending = true;
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kStarting);
}

TEST(DeriveState, AMachineWithoutItsSupervisorIsStopping) {
  Evidence evidence = DeadEvidence(Phase::kMainStarted);
  evidence.vm_lock = LockState::kHeld;
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kStopping);
  EXPECT_NE(DeriveState(evidence).reason.find("machine is leaving"), std::string::npos);
}

TEST(DeriveState, AnEndedLifeIsStoppedWithMainsCode) {
  Evidence evidence = DeadEvidence(Phase::kStopping);
  evidence.main_exit = Present(ExitOf(7));
  evidence.outcome = Present(Outcome(OutcomeKind::kEnded));
  const DerivedState derived = DeriveState(evidence);
  EXPECT_EQ(derived.state, BoxState::kStopped);
  ASSERT_TRUE(derived.exit);
  EXPECT_EQ(derived.exit->ShellCode(), 7);
}

TEST(DeriveState, AFailedStartIsFailedWithItsStage) {
  Evidence evidence = DeadEvidence(Phase::kBooting);
  evidence.outcome = Present(Outcome(OutcomeKind::kFailed));
  const DerivedState derived = DeriveState(evidence);
  EXPECT_EQ(derived.state, BoxState::kFailed);
  EXPECT_NE(derived.reason.find("guest"), std::string::npos);
}

TEST(DeriveState, ALostSupervisorIsFailedUnlessItWasStopping) {
  EXPECT_EQ(DeriveState(DeadEvidence(Phase::kMainStarted)).state, BoxState::kFailed);
  EXPECT_EQ(DeriveState(DeadEvidence(Phase::kStopping)).state, BoxState::kStopped);
  EXPECT_NE(DeriveState(DeadEvidence(Phase::kStopping)).reason.find("unconfirmed"),
            std::string::npos);
}

TEST(DeriveState, AHostRestartIsSaid) {
  Evidence evidence = DeadEvidence(Phase::kMainStarted);
  evidence.boot_id = "another boot";
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kFailed);
  EXPECT_NE(DeriveState(evidence).reason.find("host restarted"), std::string::npos);
}

TEST(DeriveState, MainsExitIsKeptWhenTheSupervisorWasLostAfterIt) {
  Evidence evidence = DeadEvidence(Phase::kMainStarted);
  evidence.main_exit = Present(ExitOf(3));
  const DerivedState derived = DeriveState(evidence);
  EXPECT_EQ(derived.state, BoxState::kStopped);
  EXPECT_EQ(derived.exit->ShellCode(), 3);
}

TEST(DeriveState, AnUnreadableOutcomeIsFailedNotStopped) {
  Evidence evidence = DeadEvidence(Phase::kStopping);
  evidence.main_exit = Present(ExitOf(0));
  evidence.outcome = Unreadable<LifeOutcome>();
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kFailed);
}

TEST(RuleFor, EveryVerbHasARuleInEveryState) {
  for (const Verb verb : kVerbs) {
    for (const BoxState state : kStates) {
      if (RuleFor(verb, state) == VerbRule::kRefuse) {
        EXPECT_NE(RefusalAdvice(verb, state).find(':'), std::string::npos)
            << VerbName(verb) << " in " << BoxStateName(state) << " gives no advice";
      }
    }
  }
}

TEST(RuleFor, RmWithoutForceRefusesWhateverLives) {
  for (const BoxState state : {BoxState::kStarting, BoxState::kRunning, BoxState::kStopping}) {
    EXPECT_EQ(RuleFor(Verb::kRemove, state), VerbRule::kRefuse);
    EXPECT_EQ(RuleFor(Verb::kForceRemove, state), VerbRule::kDo);
  }
}

TEST(RuleFor, StopOfAStoppedBoxBootsNothing) {
  for (const BoxState state : {BoxState::kConfigured, BoxState::kStopped, BoxState::kFailed}) {
    EXPECT_EQ(RuleFor(Verb::kStop, state), VerbRule::kNothingToDo);
  }
}

// ---- the whole table, as a page ----

std::string_view RuleInWords(VerbRule rule) {
  switch (rule) {
    case VerbRule::kDo:
      return "yes";
    case VerbRule::kNothingToDo:
      return "success, nothing to do";
    case VerbRule::kWaitThenDo:
      return "waits, then decides";
    case VerbRule::kRefuse:
      return "`wrong_state`";
    case VerbRule::kBootThenDo:
      return "boots it, if it has no command of the user's; else `wrong_state`";
  }
  return "";
}

// Every combination of evidence that DeriveState can tell apart, in words.
std::vector<std::pair<std::string, Evidence>> AllEvidence() {
  std::vector<std::pair<std::string, Evidence>> all;
  const auto add = [&](const std::string& words, const Evidence& evidence) {
    all.emplace_back(words, evidence);
  };
  struct Locks {
    const char* words;
    LockState shim;
    LockState vm;
  };
  constexpr Locks kLocks[] = {{"held · held", LockState::kHeld, LockState::kHeld},
                              {"held · free", LockState::kHeld, LockState::kFree},
                              {"free · held", LockState::kFree, LockState::kHeld},
                              {"free · free", LockState::kFree, LockState::kFree}};
  for (const Locks& locks : kLocks) {
    Evidence none;
    none.shim_lock = locks.shim;
    none.vm_lock = locks.vm;
    add(std::string(locks.words) + " | none | – | –", none);
    for (int record = 0; record < 6; ++record) {
      for (int exit = 0; exit < 2; ++exit) {
        for (int outcome = 0; outcome < 4; ++outcome) {
          Evidence evidence = LiveEvidence(record < 4 ? kPhases[record] : Phase::kMainStarted);
          evidence.shim_lock = locks.shim;
          evidence.vm_lock = locks.vm;
          std::string words = locks.words;
          words += " | ";
          if (record < 4) words += PhaseName(kPhases[record]);
          if (record == 4) {
            evidence.boot_id = "another boot";
            words += "main-started, of an earlier boot";
          }
          if (record == 5) {
            evidence.record = Unreadable<LifeRecord>();
            words += "unreadable";
          }
          words += exit == 1 ? " | 7" : " | –";
          if (exit == 1) evidence.main_exit = Present(ExitOf(7));
          if (outcome == 1) evidence.outcome = Present(Outcome(OutcomeKind::kEnded));
          if (outcome == 2) evidence.outcome = Present(Outcome(OutcomeKind::kFailed));
          if (outcome == 3) evidence.outcome = Unreadable<LifeOutcome>();
          static const char* const kOutcomes[] = {"–", "ended", "failed", "unreadable"};
          words += std::string(" | ") + kOutcomes[outcome];
          add(words, evidence);
        }
      }
    }
  }
  return all;
}

std::string Page() {
  std::ostringstream page;
  page << "# States of a box\n\n"
          "Written by `box_state_test` from the code: run it with `BOXLITE_WRITE_DOCS=1` after a "
          "change.\nNo state is stored; docs/recovery.md says how it is derived.\n\n"
          "## What may be asked in which state\n\n| verb |";
  for (const BoxState state : kStates) page << " " << BoxStateName(state) << " |";
  page << "\n|---|---|---|---|---|---|---|\n";
  for (const Verb verb : kVerbs) {
    page << "| " << VerbName(verb) << " |";
    for (const BoxState state : kStates) page << " " << RuleInWords(RuleFor(verb, state)) << " |";
    page << "\n";
  }
  page << "\nA refusal says what to do instead:\n\n";
  for (const Verb verb : kVerbs) {
    for (const BoxState state : kStates) {
      const VerbRule rule = RuleFor(verb, state);
      if (rule != VerbRule::kRefuse) continue;
      page << "- " << VerbName(verb) << ": " << RefusalAdvice(verb, state) << "\n";
    }
  }
  page << "\n## What the evidence means\n\n"
          "| shim lock · VM lock | record's phase | main's exit | outcome | state | reason |\n"
          "|---|---|---|---|---|---|\n";
  for (const auto& [words, evidence] : AllEvidence()) {
    const DerivedState derived = DeriveState(evidence);
    page << "| " << words << " | " << BoxStateName(derived.state) << " | " << derived.reason
         << " |\n";
  }
  return page.str();
}

TEST(DeriveState, EveryCombinationHoldsTheFirstLaws) {
  for (const auto& [words, evidence] : AllEvidence()) {
    const DerivedState derived = DeriveState(evidence);
    const bool live = derived.state == BoxState::kStarting || derived.state == BoxState::kRunning ||
                      derived.state == BoxState::kStopping;
    const bool locked =
        evidence.shim_lock == LockState::kHeld || evidence.vm_lock == LockState::kHeld;
    EXPECT_EQ(live, locked) << words << ": a live box is never called stopped, nor the reverse";
    EXPECT_FALSE(derived.reason.empty()) << words;
  }
}

TEST(BoxStatesPage, IsWhatTheCodeSays) {
  const std::string path = std::string(BOXLITE_SOURCE_DIR) + "/docs/box-states.md";
  if (std::getenv("BOXLITE_WRITE_DOCS") != nullptr) std::ofstream(path) << Page();
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_EQ(content.str(), Page()) << "run box_state_test with BOXLITE_WRITE_DOCS=1";
}

}  // namespace
}  // namespace boxlite
