// What a watcher sees of what other processes do.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

constexpr milliseconds kPatience{20'000};

class Watcher {
 public:
  // From the beginning of time: what is known of boxes that are there is told first.
  explicit Watcher(TestHome& home) : tool_(home.Begin({"events", "0"})) {}

  // "die db 3": action, name and exit code of the next event.
  std::string Next() {
    const std::optional<std::string> line = tool_.ReadLine(kPatience);
    if (!line) return "nothing";
    std::istringstream words(*line);
    std::string action;
    std::string id;
    words >> action >> id;
    ids_.push_back(id);
    std::string rest;
    std::getline(words, rest);
    rest.erase(rest.find_last_not_of(' ') + 1);
    return action + rest;
  }
  std::vector<std::string> Next(int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(Next());
    return all;
  }
  ToolProcess& tool() { return tool_; }
  Answer Finish() {
    tool_.EndInput();
    return tool_.Finish();
  }

 private:
  ToolProcess tool_;
  std::vector<std::string> ids_;
};

using Lines = std::vector<std::string>;

TEST(Events, TellTheWholeLifeOfABoxAsItHappens) {
  TestHome home;
  home.Create({"sleep-forever"}, {{"name", "there"}});
  Watcher watcher(home);
  EXPECT_EQ(watcher.Next(), "create there");
  const std::string id = home.Create({"sleep-forever"}, {{"name", "db"}});
  EXPECT_EQ(watcher.Next(), "create db");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_EQ(watcher.Next(), "start db");
  ASSERT_TRUE(IsOk(home.Run({"rename", id, "db2"})));
  EXPECT_EQ(watcher.Next(), "rename db2");
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  EXPECT_EQ(watcher.Next(2), (Lines{"die db2 143", "stop db2"}));
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_EQ(watcher.Next(), "start db2");
  ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
  const Lines end = watcher.Next(3);
  EXPECT_EQ(end[0].rfind("die db2", 0), 0U) << end[0];
  EXPECT_EQ(end.back(), end[1] == "stop db2" ? "destroy db2" : "nothing");
  EXPECT_TRUE(IsOk(watcher.Finish()));
}

TEST(Events, TellAnExitThatNobodyAskedForWithoutAStop) {
  TestHome home;
  Watcher watcher(home);
  const std::string id = home.Create({"exit", "3"}, {{"name", "job"}});
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(IsOk(home.Run({"wait", id})));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  ASSERT_TRUE(IsOk(home.Run({"rm", id})));
  EXPECT_EQ(watcher.Next(4), (Lines{"create job", "start job", "die job 3", "destroy job"}));
}

TEST(Events, TellTheDeathOfASupervisorThatWroteNothing) {
  TestHome home;
  Watcher watcher(home);
  const std::string id = home.Start({"sleep-forever"}, {{"name", "db"}});
  EXPECT_EQ(watcher.Next(2), (Lines{"create db", "start db"}));
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  EXPECT_EQ(watcher.Next(), "die db");
  ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
  EXPECT_EQ(watcher.Next(), "destroy db");
}

TEST(Events, TellAFailedStartAsADeath) {
  TestHome home;
  Watcher watcher(home);
  const std::string id = home.Create({"no-such-command"}, {{"name", "db"}});
  ASSERT_TRUE(HasCode(home.Run({"start", id}), "command_not_found"));
  EXPECT_EQ(watcher.Next(2), (Lines{"create db", "die db 127"}));
}

TEST(Events, OfWhatIsOverAreToldFromWhatItLeft) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "db"}});
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(home.Shim(id).AwaitEnd());
  Watcher watcher(home);
  EXPECT_EQ(watcher.Next(6),
            (Lines{"create db", "start db", "die db 143", "stop db", "start db", "die db"}));
}

TEST(Events, OfAHomeThatIsNotThereYetBeginWithIt) {
  TestHome home;
  Watcher watcher(home);
  home.Create({"sleep-forever"}, {{"name", "db"}});
  EXPECT_EQ(watcher.Next(), "create db");
  EXPECT_TRUE(IsOk(watcher.Finish()));
}

TEST(Events, EndWithTheHome) {
  TestHome home;
  home.Create({"sleep-forever"}, {{"name", "db"}});
  Watcher watcher(home);
  EXPECT_EQ(watcher.Next(), "create db");
  fs::remove_all(home.path());
  EXPECT_EQ(watcher.Next(), "destroy db");
  EXPECT_TRUE(HasCode(watcher.tool().Finish(), "unavailable"));
}

TEST(Events, ChangeNothingInTheHomeAndNobodyMissesAKilledWatcher) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "db"}});
  const std::string before = Fingerprint(home.path());
  for (int i = 0; i < 5; ++i) {
    Watcher watcher(home);
    EXPECT_EQ(watcher.Next(), "create db");
    watcher.tool().KillAndReap();
  }
  EXPECT_EQ(Fingerprint(home.path()), before);
  EXPECT_EQ(home.State(id), "running");
  ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
}

TEST(Events, AreCompleteAfterTheKernelDroppedNotificationsAndSaySo) {
  TestHome home;
  const std::string gone = home.Create({"sleep-forever"}, {{"name", "gone"}});
  home.Create({"sleep-forever"}, {{"name", "stays"}});
  Watcher watcher(home);
  watcher.Next(2);
  watcher.tool().Signal(SIGSTOP);
  // More than the queue's default length, of what is no box.
  const std::string junk = home.path() + "/boxes/junk";
  const int limit = std::stoi(ReadWhole("/proc/sys/fs/inotify/max_queued_events"));
  if (limit > 100'000) GTEST_SKIP() << "the queue holds " << limit << " notifications";
  ASSERT_EQ(::mkdir(junk.c_str(), 0700), 0);
  // Two notifications each.
  for (int i = 0; i <= limit / 2; i += 2) {
    ASSERT_EQ(::rename(junk.c_str(), (junk + "2").c_str()), 0);
    ASSERT_EQ(::rename((junk + "2").c_str(), junk.c_str()), 0);
  }
  ASSERT_TRUE(IsOk(home.Run({"rm", gone})));
  home.Create({"sleep-forever"}, {{"name", "came"}});
  watcher.tool().Signal(SIGCONT);
  EXPECT_EQ(watcher.Next(), "note -");
  Lines seen = watcher.Next(2);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (Lines{"create came", "destroy gone"}));
  home.Create({"sleep-forever"}, {{"name", "last"}});
  EXPECT_EQ(watcher.Next(), "create last") << "nothing is told twice";
}

// Three watchers see many short lives: each box's events in order, none twice, none made up.
TEST(Events, OfManyShortLivesAreCompleteAndInOrderForEveryWatcher) {
  constexpr int kBoxes = BOXLITE_SLOW_BUILD ? 6 : 20;
  TestHome home;
  home.Create({"sleep-forever"}, {{"name", "first"}});
  std::vector<ToolProcess> watchers;
  for (int i = 0; i < 3; ++i) watchers.push_back(home.Begin({"events", "0"}));
  for (ToolProcess& watcher : watchers) ASSERT_TRUE(watcher.ReadLine(kPatience));
  std::map<std::string, Lines> expected;
  for (int i = 0; i < kBoxes; ++i) {
    const bool runs = i % 2 == 0;
    const std::string id = home.Create({"exit", std::to_string(i)}, {{"rm", runs}});
    expected[id] = {"create"};
    if (runs) {
      const Answer run = home.Run({"foreground", id});
      ASSERT_TRUE(IsOk(run));
      expected[id].insert(expected[id].end(), {"start", "die"});
    } else {
      ASSERT_TRUE(IsOk(home.Run({"rm", id})));
    }
    expected[id].push_back("destroy");
  }
  home.Create({"sleep-forever"}, {{"name", "last"}});
  for (ToolProcess& watcher : watchers) {
    std::map<std::string, Lines> seen;
    for (;;) {
      const std::optional<std::string> line = watcher.ReadLine(kPatience);
      ASSERT_TRUE(line) << "the stream ended";
      std::istringstream words(*line);
      std::string action;
      std::string id;
      std::string name;
      words >> action >> id >> name;
      if (name == "last") break;
      // Whether the maker's end counts as a request is no matter here.
      if (action != "stop") seen[id].push_back(action);
    }
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace boxlite::testing
