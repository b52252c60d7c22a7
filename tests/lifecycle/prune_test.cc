// Pruning a home in which others work.
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <set>

#include "testing/worker_pool.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = BOXLITE_SLOW_BUILD ? 8 : 30;

TEST(Prune, RemovesWhatDoesNotRunAndSaysWhatItGaveBack) {
  TestHome home;
  const std::string configured = home.Create({"sleep-forever"}, {{"name", "new"}});
  const std::string stopped = home.Start({"exit", "0"});
  ASSERT_TRUE(IsOk(home.Run({"wait", stopped})));
  ASSERT_TRUE(IsOk(home.Run({"stop", stopped, "5000"})));
  const std::string failed = home.Create({"sleep-forever"});
  home.Script(failed, R"({"die": ["greeting"]})");
  ASSERT_FALSE(home.Run({"start", failed}).ok);
  ASSERT_EQ(home.State(failed), "failed");
  const std::string running = home.Start();
  const Answer pruned = home.Run({"prune"});
  ASSERT_TRUE(IsOk(pruned));
  const auto removed = pruned.json["removed"].get<std::set<std::string>>();
  EXPECT_EQ(removed, (std::set<std::string>{configured, stopped, failed}));
  EXPECT_GT(pruned.json["bytes"].get<std::uint64_t>(), 0U);
  EXPECT_EQ(home.State(running), "running");
  EXPECT_TRUE(fs::is_empty(home.path() + "/.trash"));
  EXPECT_TRUE(fs::is_empty(home.path() + "/names"));
  ASSERT_TRUE(IsOk(home.Run({"rmf", running})));
}

TEST(Prune, SparesABoxThatSomebodyIsChangingAndDoesNotWaitForIt) {
  TestHome home;
  const std::string id = home.Create();
  home.Set("BOXLITE_FAILPOINT", "start.prepared=stop");
  ToolProcess starter = home.Begin({"start", id});
  home.Set("BOXLITE_FAILPOINT", "");
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(starter.pid()), &info, WSTOPPED | WNOWAIT), 0);
  const Answer pruned = home.Run({"prune"});
  ASSERT_TRUE(IsOk(pruned));
  EXPECT_TRUE(pruned.json["removed"].empty());
  EXPECT_LT(pruned.took, std::chrono::seconds(30)) << "the verb lock is waited for up to 120 s";
  starter.Signal(SIGCONT);
  EXPECT_TRUE(IsOk(starter.Finish()));
  EXPECT_EQ(home.State(id), "running");
  ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
}

TEST(Prune, AgainstAStartLeavesARunningBoxOrNone) {
  TestHome home;
  WorkerPool pool(home, 2);
  for (int round = 0; round < kRounds; ++round) {
    const std::string id = home.Create();
    const auto answers = pool.Round({{"prune"}, {"start", id}});
    ASSERT_TRUE(IsOk(answers[0]));
    const bool removed = !answers[0].json["removed"].empty();
    ASSERT_EQ(answers[1].ok, !removed) << answers[1].text();
    if (removed) {
      ASSERT_TRUE(HasCode(answers[1], "not_found"));
    }
    ASSERT_EQ(home.State(id), removed ? "absent" : "running");
    if (!removed) {
      ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
    }
  }
}

TEST(Prune, ByTwoAtOnceRemovesEachBoxOnce) {
  TestHome home;
  WorkerPool pool(home, 2);
  for (int round = 0; round < kRounds; ++round) {
    std::set<std::string> ids;
    for (int i = 0; i < 3; ++i) ids.insert(home.Create());
    const auto answers = pool.Round({{"prune"}, {"prune"}});
    std::multiset<std::string> removed;
    for (const Answer& answer : answers) {
      ASSERT_TRUE(IsOk(answer));
      for (const Json& id : answer.json["removed"]) removed.insert(id);
    }
    // One that the other was removing is left to it.
    ASSERT_EQ(std::set<std::string>(removed.begin(), removed.end()), ids);
    ASSERT_EQ(removed.size(), ids.size());
  }
}

}  // namespace
}  // namespace boxlite::testing
