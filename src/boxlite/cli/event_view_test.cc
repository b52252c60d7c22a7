#include "boxlite/cli/event_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "boxlite/cli/event_filter.h"

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

BoxEvent Died() {
  return {EventKind::kDie, *BoxId::Parse("abcdefghij01"), 1'795'526'285'123'456'789, "web",
          "boxlite/base",  {{"tier", "front"}},           {{"exitCode", "3"}}};
}

TEST(EventView, IsALineAsDockersInTheZoneOfTheCaller) {
  ::setenv("TZ", "XYZ-1", 1);
  ::tzset();
  EXPECT_EQ(EventLine(Died()),
            "2026-11-24T14:18:05.123456789+01:00 box die abcdefghij01 (exitCode=3, "
            "image=boxlite/base, name=web, tier=front)\n");
  ::unsetenv("TZ");
  ::tzset();
}

TEST(EventView, IsADocumentWithDockersKeys) {
  EXPECT_EQ(ToCompactJson(EventEntry(Died())),
            R"({"status":"die","id":"abcdefghij01","from":"boxlite/base","Type":"box",)"
            R"("Action":"die","Actor":{"ID":"abcdefghij01","Attributes":{"exitCode":"3",)"
            R"("image":"boxlite/base","name":"web","tier":"front"}},"scope":"local",)"
            R"("time":1795526285,"timeNano":1795526285123456789})");
}

TEST(EventView, HidesNothingOfItsOwnBehindALabel) {
  BoxEvent event = Died();
  event.labels = {{"exitCode", "0"}, {"name", "other"}};
  const Document attributes = EventEntry(event)["Actor"]["Attributes"];
  EXPECT_EQ(attributes["exitCode"], "3");
  EXPECT_EQ(attributes["name"], "web");
}

TEST(EventView, MakesControlCharactersHarmlessInALine) {
  BoxEvent event = Died();
  event.labels = {{"x", "\x1b[31m"}};
  EXPECT_THAT(EventLine(event), HasSubstr("x=?[31m"));
}

TEST(EventFilter, TellsEventsByEveryKind) {
  struct Case {
    std::vector<std::string> words;
    bool matches;
  };
  for (const Case& each : std::vector<Case>{{{}, true},
                                            {{"event=die"}, true},
                                            {{"event=start", "event=die"}, true},
                                            {{"event=start"}, false},
                                            {{"box=web"}, true},
                                            {{"container=abcdef"}, true},
                                            {{"box=we"}, false},
                                            {{"image=boxlite/base"}, true},
                                            {{"image=other"}, false},
                                            {{"label=tier"}, true},
                                            {{"label=tier=front", "label=ci"}, false},
                                            {{"type=container"}, true},
                                            {{"type=box", "event=die", "box=db"}, false}}) {
    Result<EventFilter> filter = EventFilter::Parse(each.words);
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    EXPECT_EQ(filter->Matches(Died()), each.matches) << testing::PrintToString(each.words);
  }
}

TEST(EventFilter, FindsARenamedBoxByItsOldName) {
  BoxEvent event = Died();
  event.kind = EventKind::kRename;
  event.attributes = {{"oldName", "old"}};
  EXPECT_TRUE(EventFilter::Parse({"box=old"})->Matches(event));
  EXPECT_TRUE(EventFilter::Parse({"box=web"})->Matches(event));
}

TEST(EventFilter, RefusesWhatItDoesNotKnowAndListsWhatItDoes) {
  EXPECT_THAT(EventFilter::Parse({"event=pause"}).error().message(),
              HasSubstr("there is no event 'pause'; there are: create, start, die, stop, rename"));
  EXPECT_THAT(EventFilter::Parse({"node=x"}).error().message(),
              HasSubstr("there is no filter 'node'; there are: box=, container=, event="));
  EXPECT_FALSE(EventFilter::Parse({"type=network"}).ok());
}

}  // namespace
}  // namespace boxlite::cli
