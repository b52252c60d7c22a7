// Looks into a running box: its processes, its use of the machine, and what a box that ends or
// does not answer makes of them.
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

TEST(Look, ShowsTheProcessesOfMainAndOfExecs) {
  TestHome home;
  const std::string id = home.Start();
  ToolProcess exec = home.Begin({"exec", id, "sleep-forever"});
  ASSERT_TRUE(home.AwaitEngine(id, "exec"));
  const Answer top = home.Run({"top", id});
  ASSERT_TRUE(IsOk(top));
  const Json& processes = top.json["processes"];
  ASSERT_EQ(processes.size(), 2u);
  EXPECT_EQ(processes[0]["pid"], 1);
  EXPECT_EQ(processes[0]["exec"], "main");
  EXPECT_EQ(processes[0]["user"], "root");
  EXPECT_EQ(processes[1]["command"], "sleep-forever");
  EXPECT_EQ(processes[1]["cpu_ms"], 20);
  EXPECT_EQ(top.json["total"], 2);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
  exec.Finish();
}

TEST(Look, ShowsWhatTheBoxUsesAndItsProcessesOnTheHost) {
  TestHome home;
  const std::string id = home.Start();
  const Answer stats = home.Run({"stats", id});
  ASSERT_TRUE(IsOk(stats));
  EXPECT_EQ(stats.json["cpu_ms"], 1234);
  EXPECT_EQ(stats.json["memory_bytes"], 1 << 20);
  EXPECT_EQ(stats.json["processes"], 1);
  EXPECT_EQ(stats.json["shim"]["pid"], home.Shim(id).pid);
  EXPECT_EQ(stats.json["vm"]["pid"], home.Engine(id).pid);
  EXPECT_GT(stats.json["shim"]["rss_bytes"], 100'000);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
}

TEST(Look, AtABoxThatDoesNotRunIsRefused) {
  TestHome home;
  const std::string id = home.Create();
  for (const char* verb : {"top", "stats"}) {
    const Answer answer = home.Run({verb, id});
    EXPECT_TRUE(HasCode(answer, "wrong_state"));
    EXPECT_NE(answer.message.find("configured"), std::string::npos);
  }
}

TEST(Look, TheGuestsErrorIsPassedOn) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"error": {"processes": "no /proc", "statistics": "no cgroup"}})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  for (const char* verb : {"top", "stats"}) EXPECT_TRUE(HasCode(home.Run({verb, id}), "internal"));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
}

TEST(Look, AtABoxWhoseMachineDiesMeanwhileSaysSo) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"die": ["statistics"]})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const Answer answer = home.Run({"stats", id});
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(HasCode(home.Run({"stats", id}), "wrong_state"));
}

TEST(Look, AGuestThatDoesNotAnswerIsNotWaitedForForEver) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"silent": ["processes"]})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(HasCode(home.Run({"top", id}, std::chrono::seconds(60)), "timeout"));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
}

}  // namespace
}  // namespace boxlite::testing
