#include "boxlite/runtime/life.h"

#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LifeTest : public testing::Test {
 protected:
  LifeRecord Record(const std::string& life_id) {
    LifeRecord record;
    record.life_id = life_id;
    record.shim = *IdentityOf(::getpid());
    record.host = *CurrentHostIdentity();
    record.accelerator = "tcg";
    return record;
  }
  Result<LifeWriter> Begin(const std::string& life_id) {
    Result<Fd> prepared = PrepareLife(box_.get(), life_id);
    if (!prepared.ok()) return std::move(prepared).error();
    return LifeWriter::Begin(box_.get(), std::move(*prepared), Record(life_id));
  }
  // One whole life, ended.
  void Live(const std::string& life_id) {
    Result<LifeWriter> life = Begin(life_id);
    ASSERT_THAT(life, IsOk());
    LifeOutcome outcome;
    outcome.flushed = true;
    ASSERT_THAT(life->WriteOutcome(outcome), IsOk());
  }
  BoxState State() {
    Result<Evidence> evidence = ReadEvidence(box_.get());
    EXPECT_THAT(evidence, IsOk());
    return evidence.ok() ? DeriveState(*evidence).state : BoxState::kConfigured;
  }
  std::vector<std::string> Lives() {
    std::vector<std::string> lives = *ListDirectory(OpenDirectory(box_.get(), kLivesDir)->get());
    std::sort(lives.begin(), lives.end());
    return lives;
  }

  TestBoxes boxes_;
  Fd box_ = boxes_.Open(boxes_.Make());
};

TEST_F(LifeTest, HoldsBothLocksFromItsPublicationToItsEnd) {
  {
    Result<LifeWriter> life = Begin("one");
    ASSERT_THAT(life, IsOk());
    EXPECT_EQ(life->record().number, 1u);
    EXPECT_EQ(*ProbeLock(box_.get(), kShimLock), LockState::kHeld);
    EXPECT_EQ(*ProbeLock(box_.get(), kVmLock), LockState::kHeld);
    EXPECT_THAT(Lives(), ElementsAre("1"));
    EXPECT_EQ(State(), BoxState::kStarting);
  }
  EXPECT_EQ(*ProbeLock(box_.get(), kShimLock), LockState::kFree);
  EXPECT_EQ(*ProbeLock(box_.get(), kVmLock), LockState::kFree);
  EXPECT_EQ(State(), BoxState::kFailed) << "no last word: its supervisor was lost";
}

TEST_F(LifeTest, ASecondOneCannotBeginBesideIt) {
  Result<LifeWriter> first = Begin("one");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Begin("two"), HasCode(ErrorCode::kConflict));
  EXPECT_EQ(State(), BoxState::kStarting);
  EXPECT_EQ(ReadEvidence(box_.get())->record.value.life_id, "one");
}

TEST_F(LifeTest, AFailureBetweenTheLocksFreesTheFirst) {
  Result<OfdLock> machine = OfdLock::TryAcquire(box_.get(), kVmLock);
  ASSERT_THAT(machine, IsOk());
  EXPECT_THAT(Begin("one"), HasCode(ErrorCode::kConflict));
  EXPECT_EQ(*ProbeLock(box_.get(), kShimLock), LockState::kFree);
}

TEST_F(LifeTest, WhatThePreparationOfADeadStarterLeftIsRemovedByTheNext) {
  ASSERT_THAT(PrepareLife(box_.get(), "dead"), IsOk());
  EXPECT_THAT(Lives(), ElementsAre(".new-dead"));
  EXPECT_EQ(State(), BoxState::kConfigured);
  Live("alive");
  EXPECT_THAT(Lives(), ElementsAre("1"));
}

TEST_F(LifeTest, ALifeWithoutItsPreparedDirectoryIsNotBegun) {
  Fd prepared = std::move(*PrepareLife(box_.get(), "one"));
  ASSERT_THAT(RemoveTree(box_.get(), std::string(kLivesDir) + "/.new-one"), IsOk());
  EXPECT_FALSE(LifeWriter::Begin(box_.get(), std::move(prepared), Record("one")).ok());
  EXPECT_EQ(*ProbeLock(box_.get(), kShimLock), LockState::kFree);
}

TEST_F(LifeTest, PhasesFollowInTheRecord) {
  Result<LifeWriter> life = Begin("one");
  ASSERT_THAT(life, IsOk());
  ASSERT_THAT(life->SetMachine({4711, 99}, "kvm"), IsOk());
  ASSERT_THAT(life->SetPhase(Phase::kReady), IsOk());
  EXPECT_EQ(State(), BoxState::kStarting);
  ASSERT_THAT(life->SetPhase(Phase::kMainStarted), IsOk());
  EXPECT_EQ(State(), BoxState::kRunning);
  ASSERT_THAT(life->SetPhase(Phase::kStopping), IsOk());
  EXPECT_EQ(State(), BoxState::kStopping);
  const LifeRecord record = ReadEvidence(box_.get())->record.value;
  ASSERT_TRUE(record.vm);
  EXPECT_EQ(record.vm->pid, 4711);
  EXPECT_EQ(record.accelerator, "kvm");
}

TEST_F(LifeTest, ExitAndOutcomeAreWrittenOnceAndTheFirstWins) {
  Result<LifeWriter> life = Begin("one");
  ASSERT_THAT(life, IsOk());
  MainExit first;
  first.exit.code = 7;
  MainExit second;
  second.exit.code = 8;
  ASSERT_THAT(life->WriteMainExit(first), IsOk());
  ASSERT_THAT(life->WriteMainExit(second), IsOk());
  LifeOutcome ended;
  ended.flushed = true;
  LifeOutcome failed;
  failed.kind = OutcomeKind::kFailed;
  EXPECT_FALSE(life->has_outcome());
  ASSERT_THAT(life->WriteOutcome(ended), IsOk());
  ASSERT_THAT(life->WriteOutcome(failed), IsOk());
  EXPECT_TRUE(life->has_outcome());
  const Evidence evidence = *ReadEvidence(box_.get());
  EXPECT_EQ(evidence.main_exit.value.exit.code, 7);
  EXPECT_EQ(evidence.main_exit.value.life_id, "one");
  EXPECT_EQ(evidence.outcome.value.kind, OutcomeKind::kEnded);
}

TEST_F(LifeTest, OnlyTheNewestAreKeptAndNumbersAreNeverUsedAgain) {
  for (int i = 1; i <= 8; ++i) Live("life" + std::to_string(i));
  EXPECT_THAT(Lives(), ElementsAre("3", "4", "5", "6", "7", "8")) << "five, and the one after them";
  EXPECT_EQ(ReadLives(box_.get())->newest, 8u);
}

TEST_F(LifeTest, AStrangersEntryAmongTheLivesIsNeitherALifeNorErased) {
  Live("one");
  ASSERT_EQ(::mkdirat(box_.get(), "lives/backup-of-1", 0700), 0);
  ASSERT_EQ(::mkdirat(box_.get(), "lives/99999999999999999999999", 0700), 0);
  Live("two");
  EXPECT_THAT(Lives(), ElementsAre("1", "2", "99999999999999999999999", "backup-of-1"));
}

TEST_F(LifeTest, TheEndedLifeSaysHowItEnded) {
  {
    Result<LifeWriter> life = Begin("one");
    ASSERT_THAT(life, IsOk());
    MainExit exit;
    exit.exit.signal = 9;
    ASSERT_THAT(life->WriteMainExit(exit), IsOk());
    LifeOutcome outcome;
    outcome.flushed = true;
    ASSERT_THAT(life->WriteOutcome(outcome), IsOk());
    EXPECT_EQ(State(), BoxState::kStopping) << "its supervisor still lives";
  }
  const DerivedState derived = DeriveState(*ReadEvidence(box_.get()));
  EXPECT_EQ(derived.state, BoxState::kStopped);
  ASSERT_TRUE(derived.exit);
  EXPECT_EQ(derived.exit->ShellCode(), 137);
}

}  // namespace
}  // namespace boxlite
