#include "boxlite/runtime/box_story.h"

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kNow = 100'000 * kMillisecond;

BoxFacts Named(const std::string& name) {
  BoxFacts facts;
  facts.spec.emplace();
  facts.spec->name = name;
  facts.spec->image = "img";
  facts.spec->created_ns = 1 * kMillisecond;
  facts.spec_changed_ns = 50 * kMillisecond;
  return facts;
}

template <typename T>
Read<T> Present(T value) {
  return {Read<T>::Kind::kPresent, std::move(value)};
}

// A life that began at 10 ms and whose main started at 16 ms.
LifeFacts Life(std::uint64_t number, Phase phase) {
  LifeFacts life;
  life.number = number;
  LifeRecord record;
  record.phase = phase;
  record.started_ns = 10 * kMillisecond;
  record.engine_ms = 1;
  record.guest_ms = 2;
  record.main_ms = 3;
  life.record = Present(record);
  life.lost_ns = 90 * kMillisecond;
  return life;
}
LifeFacts& Exited(LifeFacts& life, int code, std::int64_t at_ms = 20) {
  MainExit exit;
  exit.exit.code = code;
  exit.at_ns = at_ms * kMillisecond;
  life.main_exit = Present(exit);
  return life;
}
LifeFacts& Concluded(LifeFacts& life, OutcomeKind kind, bool requested = false) {
  LifeOutcome outcome;
  outcome.kind = kind;
  outcome.requested = requested;
  outcome.at_ns = 30 * kMillisecond;
  if (kind == OutcomeKind::kFailed) {
    outcome.stage = "boot";
    outcome.reason = "it broke";
  }
  life.outcome = Present(outcome);
  life.over = true;
  return life;
}

// "die 20 exitCode=3 reason=x"
std::vector<std::string> Told(const std::vector<BoxEvent>& events) {
  std::vector<std::string> lines;
  for (const BoxEvent& event : events) {
    std::string line =
        std::string(EventName(event.kind)) + " " + std::to_string(event.time_ns / kMillisecond);
    for (const auto& [key, value] : event.attributes) line += " " + key + "=" + value;
    lines.push_back(line);
  }
  return lines;
}

class BoxStoryTest : public testing::Test {
 protected:
  std::vector<std::string> Update(const BoxFacts& facts) {
    return Told(story_.Update(facts, kNow));
  }
  BoxStory story_{BoxId::Random()};
};

TEST_F(BoxStoryTest, TellsEachStepOnceAsItIsSeen) {
  BoxFacts facts = Named("web");
  EXPECT_THAT(Update(facts), ElementsAre("create 1"));
  EXPECT_THAT(Update(facts), IsEmpty());
  facts.lives = {Life(1, Phase::kBooting)};
  EXPECT_THAT(Update(facts), IsEmpty());
  facts.lives = {Life(1, Phase::kReady)};
  EXPECT_THAT(Update(facts), IsEmpty());
  facts.lives = {Life(1, Phase::kMainStarted)};
  EXPECT_THAT(Update(facts), ElementsAre("start 16"));
  Exited(facts.lives[0], 3);
  EXPECT_THAT(Update(facts), ElementsAre("die 20 exitCode=3"));
  Concluded(facts.lives[0], OutcomeKind::kEnded);
  EXPECT_THAT(Update(facts), IsEmpty()) << "main ended by itself: nobody stopped it";
  EXPECT_THAT(Update(facts), IsEmpty());
  EXPECT_THAT(Told(story_.End(kNow)), ElementsAre("destroy 100000"));
}

TEST_F(BoxStoryTest, TellsAllThatWasMissedInOrder) {
  BoxFacts facts = Named("web");
  facts.lives = {Life(1, Phase::kStopping), Life(2, Phase::kMainStarted)};
  Concluded(Exited(facts.lives[0], 137), OutcomeKind::kEnded, /*requested=*/true);
  EXPECT_THAT(Update(facts),
              ElementsAre("create 1", "start 16", "die 20 exitCode=137", "stop 30", "start 16"));
}

TEST_F(BoxStoryTest, TellsTheStopOnlyOfALifeThatWasAskedToEnd) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kStopping)};
  Exited(facts.lives[0], 0);
  EXPECT_THAT(Update(facts), ElementsAre("create 1", "start 16", "die 20 exitCode=0"));
  Concluded(facts.lives[0], OutcomeKind::kEnded, /*requested=*/true);
  EXPECT_THAT(Update(facts), ElementsAre("stop 30"));
  EXPECT_THAT(Update(facts), IsEmpty());
}

TEST_F(BoxStoryTest, TellsAStartThatFailedAsADeathWithItsReason) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kBooting)};
  Concluded(facts.lives[0], OutcomeKind::kFailed);
  EXPECT_THAT(Update(facts), ElementsAre("create 1", "die 30 reason=at boot: it broke"));
}

TEST_F(BoxStoryTest, TellsACommandThatIsNotThereAsAShellDoes) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kReady)};
  Concluded(facts.lives[0], OutcomeKind::kFailed).outcome.value.code = ErrorCode::kCommandNotFound;
  EXPECT_THAT(Update(facts),
              ElementsAre("create 1", "die 30 exitCode=127 reason=at boot: it broke"));
}

TEST_F(BoxStoryTest, TellsALossThatLeftNoWordByTheTimeItIsKnownBy) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kMainStarted)};
  EXPECT_THAT(Update(facts), ElementsAre("create 1", "start 16"));
  facts.lives[0].over = true;
  EXPECT_THAT(Update(facts), ElementsAre("die 90 reason=its supervisor was lost"));
}

TEST_F(BoxStoryTest, TellsARenameWithTheOldName) {
  EXPECT_THAT(Update(Named("web")), ElementsAre("create 1"));
  EXPECT_THAT(Update(Named("db")), ElementsAre("rename 50 oldName=web"));
  EXPECT_THAT(Update(Named("db")), IsEmpty());
  EXPECT_EQ(story_.End(kNow)[0].name, "db");
}

TEST_F(BoxStoryTest, TakesNoLostSightOfTheSpecForARename) {
  EXPECT_THAT(Update(BoxFacts()), ElementsAre("create 100000"));
  EXPECT_THAT(Update(Named("web")), IsEmpty());
  EXPECT_THAT(Update(BoxFacts()), IsEmpty());
  EXPECT_EQ(story_.End(kNow)[0].name, "web");
}

TEST_F(BoxStoryTest, ClosesWhatWasOpenWhenTheBoxIsGone) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kMainStarted)};
  Update(facts);
  EXPECT_THAT(Told(story_.End(kNow)),
              ElementsAre("die 100000 reason=what it left was removed before it was read",
                          "destroy 100000"));
}

TEST_F(BoxStoryTest, TellsOfABoxThatWasNeverReadThatItCameAndWent) {
  EXPECT_THAT(Told(story_.End(kNow)), ElementsAre("create 100000", "destroy 100000"));
}

TEST_F(BoxStoryTest, ClosesALifeThatWasArchivedUnread) {
  BoxFacts facts = Named("");
  facts.lives = {Life(1, Phase::kMainStarted)};
  Update(facts);
  facts.lives = {Life(7, Phase::kMainStarted)};
  EXPECT_THAT(Update(facts),
              ElementsAre("die 10 reason=what it left was removed before it was read", "start 16"));
}

}  // namespace
}  // namespace boxlite
