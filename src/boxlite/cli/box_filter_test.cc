#include "boxlite/cli/box_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'000'000 * kSecond;

// A stopped box "web" that exited with 3, made 100 s ago.
BoxInfo Box() {
  BoxSpec spec;
  spec.name = "web";
  spec.image = "boxlite/base";
  spec.image_digest = "sha256:abc";
  spec.labels = {{"tier", "front"}, {"ci", ""}};
  spec.created_ns = kNow - 100 * kSecond;
  DerivedState derived{BoxState::kStopped, "main exited", ProcessExit{.code = 3, .signal = {}}};
  return {*BoxId::Parse("abcdefghij01"), spec, derived, 1, {}, {}, {}, ""};
}

bool Matches(const Words& words, const BoxInfo& box = Box()) {
  Result<BoxFilter> filter = BoxFilter::Parse(words, kListFilters, kNow);
  if (!filter.ok()) ADD_FAILURE() << filter.error().message();
  Status resolved = filter->Resolve([](const std::string& reference) -> Result<std::int64_t> {
    if (reference == "older") return kNow - 200 * kSecond;
    if (reference == "newer") return kNow - 50 * kSecond;
    return Error(ErrorCode::kNotFound, "no such box: " + reference);
  });
  EXPECT_TRUE(resolved.ok());
  return filter->Matches(box);
}

TEST(BoxFilter, TellsBoxesByEveryKind) {
  struct Case {
    Words words;
    bool matches;
  };
  for (const Case& each : std::vector<Case>{{{}, true},
                                            {{"status=stopped"}, true},
                                            {{"status=exited"}, true},
                                            {{"status=running"}, false},
                                            {{"status=created"}, false},
                                            {{"name=web"}, true},
                                            {{"name=e"}, true},
                                            {{"name=^w"}, true},
                                            {{"name=^/web$"}, true},
                                            {{"name=b$"}, true},
                                            {{"name=^e"}, false},
                                            {{"name=e$"}, false},
                                            {{"name=webs"}, false},
                                            {{"id=abc"}, true},
                                            {{"id=bcd"}, false},
                                            {{"label=ci"}, true},
                                            {{"label=tier=front"}, true},
                                            {{"label=tier=back"}, false},
                                            {{"label=ci="}, true},
                                            {{"label=none"}, false},
                                            {{"image=boxlite/base"}, true},
                                            {{"ancestor=boxlite/base:latest"}, true},
                                            {{"image=sha256:abc"}, true},
                                            {{"image=boxlite"}, false},
                                            {{"exited=3"}, true},
                                            {{"exited=0"}, false},
                                            {{"before=newer"}, true},
                                            {{"before=older"}, false},
                                            {{"since=older"}, true},
                                            {{"since=newer"}, false}}) {
    EXPECT_EQ(Matches(each.words), each.matches) << testing::PrintToString(each.words);
  }
}

TEST(BoxFilter, HoldsForAnyValueOfAKindAndForAllKindsAndAllLabels) {
  EXPECT_TRUE(Matches({"status=running", "status=stopped"}));
  EXPECT_TRUE(Matches({"name=x", "name=we", "exited=1", "exited=3"}));
  EXPECT_FALSE(Matches({"status=stopped", "name=x"}));
  EXPECT_TRUE(Matches({"label=ci", "label=tier=front"}));
  EXPECT_FALSE(Matches({"label=ci", "label=tier=back"}));
}

TEST(BoxFilter, FindsNoExitCodeOfABoxThatLives) {
  BoxInfo box = Box();
  box.derived.state = BoxState::kStopping;
  EXPECT_FALSE(Matches({"exited=3"}, box));
  box.derived.state = BoxState::kFailed;
  EXPECT_TRUE(Matches({"exited=3"}, box));
  box.derived.exit.reset();
  EXPECT_FALSE(Matches({"exited=3"}, box));
}

TEST(BoxFilter, OfABoxThatCannotBeReadKnowsStateAndIdOnly) {
  BoxInfo box = Box();
  box.spec = Error(ErrorCode::kCorrupt, "damaged");
  EXPECT_TRUE(Matches({"status=stopped", "id=abc"}, box));
  EXPECT_FALSE(Matches({"name=web"}, box));
  EXPECT_FALSE(Matches({"label=ci"}, box));
}

TEST(BoxFilter, LooksAtEndedBoxesForAStatusOrAnExitCode) {
  EXPECT_TRUE(BoxFilter::Parse({"status=failed"}, kListFilters, kNow)->NamesEnded());
  EXPECT_TRUE(BoxFilter::Parse({"exited=0"}, kListFilters, kNow)->NamesEnded());
  EXPECT_FALSE(BoxFilter::Parse({"name=a"}, kListFilters, kNow)->NamesEnded());
}

TEST(BoxFilter, OfPruneKnowsAgesAndAbsentLabels) {
  const auto prunes = [](const Words& words) {
    Result<BoxFilter> filter = BoxFilter::Parse(words, kPruneFilters, kNow);
    EXPECT_TRUE(filter.ok()) << filter.error().message();
    return filter->Matches(Box());
  };
  EXPECT_TRUE(prunes({"until=90s"}));
  EXPECT_FALSE(prunes({"until=110s"}));
  EXPECT_TRUE(prunes({"label!=other"}));
  EXPECT_FALSE(prunes({"label!=ci"}));
  EXPECT_TRUE(prunes({"label!=tier=back"}));
  EXPECT_FALSE(prunes({"label!=tier=front"}));
}

TEST(BoxFilter, RefusesWhatItDoesNotKnowAndListsWhatItDoes) {
  struct Case {
    const char* word;
    const char* in_message;
  };
  for (const Case& each : std::vector<Case>{
           {"health=ok", "there is no filter 'health'; there are: status=, name=, id=, label=,"},
           {"status", "the filter status needs a value"},
           {"name=", "the filter name needs a value"},
           {"status=dead", "there is no status 'dead'; there are: configured, starting, running,"},
           {"exited=x", "--filter exited=x"},
           {"exited=256", "at most 255"},
           {"until=1h", "there is no filter 'until'"}}) {
    Result<BoxFilter> filter = BoxFilter::Parse({each.word}, kListFilters, kNow);
    ASSERT_FALSE(filter.ok()) << each.word;
    EXPECT_EQ(filter.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(filter.error().message(), HasSubstr(each.in_message));
  }
}

TEST(BoxFilter, FailsForABoxThatIsNotThere) {
  Result<BoxFilter> filter = BoxFilter::Parse({"before=none"}, kListFilters, kNow);
  Status resolved = filter->Resolve([](const std::string&) -> Result<std::int64_t> {
    return Error(ErrorCode::kNotFound, "no such box");
  });
  ASSERT_FALSE(resolved.ok());
  EXPECT_EQ(resolved.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace boxlite::cli
