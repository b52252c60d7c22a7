// The one routine that ends a life: it flushes, it forces only what does not end, it proves what it
// says.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

TEST(Stop, FlushesWhatTheGuestWrote) {
  TestHome home;
  const std::string id = home.Start();
  ASSERT_TRUE(IsOk(
      home.Run({"exec", id, "write", "synced", "1", ";", "fsync", ";", "write", "cached", "2"})));
  EXPECT_FALSE(home.Disk(id).contains("cached"));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_EQ(home.Run({"exec", id, "read", "synced"}).output, "1\n");
  EXPECT_EQ(home.Run({"exec", id, "read", "cached"}).output, "2\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

// The other half of the promise, and the proof that the test above can fail.
TEST(Stop, OfEverythingByKillKeepsWhatTheGuestSynced) {
  TestHome home;
  const std::string id = home.Start();
  ASSERT_TRUE(IsOk(
      home.Run({"exec", id, "write", "synced", "1", ";", "fsync", ";", "write", "cached", "2"})));
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  ASSERT_TRUE(shim.Signal(SIGKILL));
  ASSERT_TRUE(engine.AwaitEnd());
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_EQ(home.Run({"exec", id, "read", "synced"}).output, "1\n");
  EXPECT_EQ(home.Run({"exec", id, "read", "cached"}).output, "\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Stop, OfAStoppedBoxSucceedsAndBootsNothing) {
  TestHome home;
  const std::string id = home.Create();
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
  EXPECT_EQ(home.EngineStarts(id), 0);
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  const std::string before = Fingerprint(home.box(id) + "/lives");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  EXPECT_EQ(home.EngineStarts(id), 1);
  EXPECT_EQ(Fingerprint(home.box(id) + "/lives"), before);
}

TEST(Stop, KillsAMainThatIgnoresTheSignalAfterItsGraceAndSaysSo) {
  TestHome home;
  const std::string id = home.Start({"ignore-term"});
  const Answer stop = home.Run({"stop", id, "300"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_GE(stop.took, milliseconds(300));
  EXPECT_LT(stop.took, milliseconds(5000));
  EXPECT_TRUE(stop.json["forced"].get<bool>());
  EXPECT_NE(stop.json["note"].get<std::string>().find("grace"), std::string::npos) << stop.text();
  EXPECT_EQ(stop.json["exit"].value("signal", 0), SIGKILL);
  // Forced was main alone: the disk was flushed all the same.
  EXPECT_TRUE(home.Look(id)["outcome"]["flushed"].get<bool>());
}

TEST(Stop, EndsExecsToo) {
  TestHome home;
  const std::string id = home.Start();
  ToolProcess exec = home.Begin({"exec", id, "ignore-term"});
  ASSERT_TRUE(home.AwaitEngine(id, "exec"));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  const Answer answer = exec.Finish(milliseconds(5000));
  ASSERT_TRUE(answer.exited);
  // Either its death was seen, or the box went away first: never a success.
  EXPECT_TRUE(answer.ok ? answer.shell() == 128 + SIGKILL : answer.code == "unavailable")
      << answer.text();
}

TEST(Stop, OfAGuestThatDoesNotAnswerEndsByTheEnginesOwnFlushAndSaysSo) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"silent": ["shutdown"]})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const Answer stop = home.Run({"stop", id, "1000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_TRUE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_NE(stop.json["note"].get<std::string>().find("guest"), std::string::npos) << stop.text();
  EXPECT_FALSE(home.Look(id)["outcome"]["flushed"].get<bool>());
  const auto log = home.EngineLog(id);
  EXPECT_EQ(std::count(log.begin(), log.end(), "quit"), 1);
  EXPECT_EQ(home.State(id), "stopped");
}

TEST(Stop, EndsAMachineWhoseGuestAndMonitorAreBothStuck) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(
      id,
      R"({"silent": ["signal", "kill", "shutdown"], "silent_control": true, "ignore_quit": true})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const ProcessRef engine = home.Engine(id);
  const Answer stop = home.Run({"stop", id, "100"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_LT(stop.took, milliseconds(20'000));
  EXPECT_TRUE(stop.json["forced"].get<bool>());
  EXPECT_NE(stop.json["note"].get<std::string>().find("the machine was killed"), std::string::npos)
      << "its supervisor answered all the time and was to have the last word: " << stop.text();
  EXPECT_EQ(home.State(id), "stopped");
  EXPECT_FALSE(engine.alive());
}

// Slower than the guest's and the shim's budgets, but its written bytes grow: it is not cut.
TEST(Stop, LetsASlowFlushThatMakesProgressFinish) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"flush": {"ms": 12500, "progress": true}})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(IsOk(home.Run({"exec", id, "write", "k", "v"})));
  const Answer stop = home.Run({"stop", id, "1000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_TRUE(home.Look(id)["outcome"]["flushed"].get<bool>());
  EXPECT_EQ(home.Disk(id)["k"], "v");
}

TEST(Stop, CutsAFlushThatMakesNoProgressAndSaysSo) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"flush": {"ms": 60000, "progress": false}})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const Answer stop = home.Run({"stop", id, "1000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_LT(stop.took, milliseconds(15'000));
  EXPECT_TRUE(stop.json["forced"].get<bool>());
  EXPECT_FALSE(home.Look(id)["outcome"]["flushed"].get<bool>());
}

TEST(Stop, WakesAShimThatWasStopped) {
  TestHome home;
  const std::string id = home.Start({"say-term"});
  ASSERT_TRUE(home.Shim(id).Signal(SIGSTOP));
  EXPECT_EQ(home.State(id), "running");
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_NE(home.Logs(id).find("caught the stop signal"), std::string::npos);
}

// A shim that cannot even be asked to end: SIGKILL, both locks proved free, and said.
TEST(Stop, KillsAShimThatIgnoresEverythingAndSaysSo) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  // Held by a tracer it neither runs nor is woken by SIGCONT; only SIGKILL reaches it.
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, shim.pid, nullptr, nullptr), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, shim.pid, nullptr, nullptr), 0);
  ASSERT_EQ(::waitpid(shim.pid, nullptr, __WALL), shim.pid);
  const Answer stop = home.Run({"stop", id, "0"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_TRUE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_FALSE(shim.alive());
  ::waitpid(shim.pid, nullptr, __WALL);
  EXPECT_EQ(home.State(id), "failed");
}

// Whoever carries the machine's lock is part of the box, its shim dead or not.
TEST(Stop, EndsWhateverStillCarriesTheMachinesLock) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"helper": true})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  ASSERT_TRUE(shim.Signal(SIGKILL));
  ASSERT_TRUE(shim.AwaitEnd());
  ASSERT_TRUE(engine.AwaitEnd());
  EXPECT_EQ(home.State(id), "stopping") << "something of its machine lives";
  EXPECT_TRUE(HasCode(home.Run({"rm", id}), "wrong_state"));
  const Answer stop = home.Run({"stop", id, "1000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_TRUE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_EQ(FindLockedFiles(home.path()), std::vector<std::string>());
  EXPECT_EQ(home.State(id), "failed");
}

// Success of a stop means empty, at that instant, seen by another's eyes.
TEST(Stop, SaysSuccessOnlyWhenNothingOfTheBoxHoldsALock) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"slow": {"shutdown": 300}})");
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(IsOk(home.Run({"start", id})));
    ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
    ASSERT_EQ(FindLockedFiles(home.path()), std::vector<std::string>());
  }
}

}  // namespace
}  // namespace boxlite::testing
