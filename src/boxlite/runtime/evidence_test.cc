#include "boxlite/runtime/evidence.h"

#include <sys/stat.h>

#include <map>

#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/life.h"
#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;

class EvidenceTest : public testing::Test {
 protected:
  std::optional<LifeWriter> Begin(const std::string& life_id) {
    LifeRecord record;
    record.life_id = life_id;
    record.host = *CurrentHostIdentity();
    Result<Fd> prepared = PrepareLife(box_.get(), life_id);
    BOXLITE_CHECK(prepared.ok());
    Result<LifeWriter> life =
        LifeWriter::Begin(box_.get(), std::move(*prepared), std::move(record));
    BOXLITE_CHECK(life.ok());
    return std::optional<LifeWriter>(std::move(*life));
  }
  void Write(const std::string& name, const std::string& content) {
    Fd life = std::move(*OpenDirectory(box_.get(), LifePath(1)));
    ASSERT_THAT(WriteFileAtomically(life.get(), name, content, Durability::kVolatile), IsOk());
  }
  Evidence Look(const EvidenceStep& step = nullptr) {
    Result<Evidence> evidence = ReadEvidence(box_.get(), step);
    EXPECT_THAT(evidence, IsOk());
    return evidence.ok() ? *evidence : Evidence();
  }

  TestBoxes boxes_;
  BoxId id_ = boxes_.Make();
  Fd box_ = boxes_.Open(id_);
};

TEST_F(EvidenceTest, IsReadInTheOrderThatMakesItConsistent) {
  std::optional<LifeWriter> life = Begin("one");
  std::vector<std::string> steps;
  Look([&](const char* step) { steps.emplace_back(step); });
  EXPECT_THAT(steps, ElementsAre("shim lock", "vm lock", "lives", "record", "exit", "outcome",
                                 "shim lock", "vm lock", "lives"));
}

TEST_F(EvidenceTest, OfABoxThatNeverLivedIsEmpty) {
  const Evidence evidence = Look();
  EXPECT_EQ(evidence.life_number, 0u);
  EXPECT_FALSE(evidence.record.present());
  EXPECT_FALSE(evidence.life_pending);
  EXPECT_EQ(evidence.boot_id, CurrentHostIdentity()->boot_id);
}

TEST_F(EvidenceTest, ALifeThatEndsBetweenTwoReadsIsNeverSeenAsACrash) {
  // Whatever the step at which the shim's last act falls.
  for (const char* at : {"shim lock", "vm lock", "lives", "record", "exit", "outcome"}) {
    std::optional<LifeWriter> life = Begin(std::string("life-at-") + at);
    ASSERT_TRUE(life);
    ASSERT_THAT(life->SetPhase(Phase::kMainStarted), IsOk());
    bool ended = false;
    const Evidence evidence = Look([&](const char* step) {
      if (ended || std::string(step) != at) return;
      ended = true;
      MainExit exit;
      exit.exit.code = 0;
      ASSERT_THAT(life->WriteMainExit(exit), IsOk());
      LifeOutcome outcome;
      outcome.flushed = true;
      ASSERT_THAT(life->WriteOutcome(outcome), IsOk());
      life.reset();
    });
    EXPECT_EQ(DeriveState(evidence).state, BoxState::kStopped) << at;
    EXPECT_EQ(DeriveState(evidence).exit->code, 0) << at;
  }
}

TEST_F(EvidenceTest, ALifeThatBeginsBetweenTwoReadsIsSeenWhole) {
  for (const char* at : {"vm lock", "lives", "record", "exit", "outcome"}) {
    std::optional<LifeWriter> old = Begin("old");
    ASSERT_TRUE(old);
    LifeOutcome outcome;
    ASSERT_THAT(old->WriteOutcome(outcome), IsOk());
    old.reset();
    std::optional<LifeWriter> next;
    const Evidence evidence = Look([&](const char* step) {
      if (!next && std::string(step) == at) next = Begin("next");
    });
    ASSERT_TRUE(next) << at;
    EXPECT_EQ(evidence.record.value.life_id, "next") << at;
    EXPECT_EQ(DeriveState(evidence).state, BoxState::kStarting) << at;
  }
}

TEST_F(EvidenceTest, ABoxThatNeverHoldsStillIsAnErrorAndNotALoop) {
  int looks = 0;
  std::optional<LifeWriter> life;
  Result<Evidence> evidence = ReadEvidence(box_.get(), [&](const char* step) {
    if (std::string(step) != "shim lock") return;
    ++looks;
    if (life) {
      life.reset();
    } else {
      life = Begin("life" + std::to_string(looks));
    }
  });
  EXPECT_THAT(evidence, HasCode(ErrorCode::kUnavailable));
  EXPECT_LE(looks, 1000);
}

TEST_F(EvidenceTest, AnUnreadableFileIsEvidenceAndStays) {
  Begin("one");
  for (const std::string& damage : {std::string(), std::string("{"), std::string("[]"),
                                    std::string("{\"life_id\":1}"), std::string("\0\0\0", 3)}) {
    for (const char* name : {"record.json", "exit.json", "outcome.json"}) Write(name, damage);
    const Evidence evidence = Look();
    EXPECT_EQ(evidence.record.kind, Read<LifeRecord>::Kind::kUnreadable) << damage;
    EXPECT_EQ(evidence.main_exit.kind, Read<MainExit>::Kind::kUnreadable);
    EXPECT_EQ(evidence.outcome.kind, Read<LifeOutcome>::Kind::kUnreadable);
    EXPECT_EQ(DeriveState(evidence).state, BoxState::kFailed);
    Fd life = std::move(*OpenDirectory(box_.get(), LifePath(1)));
    EXPECT_EQ(*ReadFile(life.get(), "record.json", 100), damage);
  }
}

TEST_F(EvidenceTest, ADirectoryOrASymlinkInAFilesPlaceIsUnreadable) {
  Begin("one");
  ASSERT_EQ(::mkdirat(box_.get(), "lives/1/exit.json", 0700), 0);
  ASSERT_EQ(::symlinkat("/etc/passwd", box_.get(), "lives/1/outcome.json"), 0);
  const Evidence evidence = Look();
  EXPECT_TRUE(evidence.record.present());
  EXPECT_EQ(evidence.main_exit.kind, Read<MainExit>::Kind::kUnreadable);
  EXPECT_EQ(evidence.outcome.kind, Read<LifeOutcome>::Kind::kUnreadable);
}

TEST_F(EvidenceTest, WhatBelongsToAnotherLifeCountsAsAbsent) {
  Begin("one");
  MainExit foreign_exit;
  foreign_exit.life_id = "another";
  foreign_exit.exit.code = 0;
  LifeOutcome foreign_outcome;
  foreign_outcome.life_id = "another";
  Write("exit.json", EncodeMainExit(foreign_exit));
  Write("outcome.json", EncodeOutcome(foreign_outcome));
  const Evidence evidence = Look();
  EXPECT_EQ(evidence.main_exit.kind, Read<MainExit>::Kind::kAbsent);
  EXPECT_EQ(evidence.outcome.kind, Read<LifeOutcome>::Kind::kAbsent);
  EXPECT_EQ(DeriveState(evidence).state, BoxState::kFailed);
}

// Names, sizes, times and inodes of a whole tree.
std::map<std::string, std::vector<long>> Snapshot(int dir_fd, const std::string& prefix = "") {
  std::map<std::string, std::vector<long>> all;
  const std::vector<std::string> names = *ListDirectory(dir_fd);
  for (const std::string& name : names) {
    struct stat info = {};
    BOXLITE_CHECK(::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0);
    all[prefix + name] = {static_cast<long>(info.st_ino), info.st_size, info.st_mtim.tv_sec,
                          info.st_mtim.tv_nsec, info.st_ctim.tv_nsec};
    if (!S_ISDIR(info.st_mode)) continue;
    Fd inner = std::move(*OpenDirectory(dir_fd, name));
    all.merge(Snapshot(inner.get(), prefix + name + "/"));
  }
  return all;
}

TEST_F(EvidenceTest, ReadingItChangesNoByteOfTheHome) {
  std::optional<LifeWriter> life = Begin("one");
  Write("outcome.json", "damaged");
  const auto before = Snapshot(boxes_.home().fd());
  for (int i = 0; i < 3; ++i) Look();
  EXPECT_EQ(Snapshot(boxes_.home().fd()), before);
}

TEST_F(EvidenceTest, AMissingLockFileReadsAsFree) {
  ASSERT_EQ(::unlinkat(box_.get(), kShimLock, 0), 0);
  EXPECT_EQ(Look().shim_lock, LockState::kFree);
}

TEST(ReadLives, CountsNumbersAndSeesWhatIsBeingPrepared) {
  TestDirectory dir;
  EXPECT_EQ(*ReadLives(dir.fd()), LivesSummary());
  for (const char* name : {"lives", "lives/3", "lives/12", "lives/x", "lives/7x", "lives/-1"}) {
    ASSERT_EQ(::mkdirat(dir.fd(), name, 0700), 0);
  }
  EXPECT_EQ(ReadLives(dir.fd())->newest, 12u);
  EXPECT_FALSE(ReadLives(dir.fd())->pending);
  ASSERT_EQ(::mkdirat(dir.fd(), "lives/.new-abc", 0700), 0);
  EXPECT_TRUE(ReadLives(dir.fd())->pending);
}

}  // namespace
}  // namespace boxlite
