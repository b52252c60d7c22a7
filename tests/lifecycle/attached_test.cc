// Attached lives end with their maker, gracefully; --rm boxes take themselves out.
#include <signal.h>

#include <algorithm>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

void ExpectGracefulEnd(TestHome& home, const std::string& id) {
  ASSERT_TRUE(home.Shim(id).AwaitEnd(15'000));
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "stopped") << box;
  EXPECT_TRUE(box["outcome"]["flushed"].get<bool>()) << box;
  EXPECT_NE(home.Logs(id).find("caught the stop signal"), std::string::npos);
}

TEST(Attached, EndsGracefullyWhenItsMakerIsKilled) {
  TestHome home;
  const std::string id = home.Create({"say-term"});
  ToolProcess maker = home.Begin({"attach-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20'000)).has_value());
  EXPECT_EQ(home.State(id), "running");
  maker.KillAndReap();
  ExpectGracefulEnd(home, id);
}

TEST(Attached, EndsGracefullyWhenItsMakerLetsGo) {
  TestHome home;
  const std::string id = home.Create({"say-term"});
  ToolProcess maker = home.Begin({"attach-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20'000)).has_value());
  maker.EndInput();
  maker.Finish();
  ExpectGracefulEnd(home, id);
}

TEST(Attached, LivesOnWhenItWasDetached) {
  TestHome home;
  const std::string id = home.Create({"say-term"});
  ToolProcess maker = home.Begin({"attach-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20'000)).has_value());
  const ProcessRef shim = home.Shim(id);
  ASSERT_TRUE(IsOk(home.Run({"detach", id})));
  maker.KillAndReap();
  // The shim hears of the maker's death before this call, which comes after it on the same loop.
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(shim.alive());
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Attached, IsAPropertyOfALifeAndNotOfTheBox) {
  TestHome home;
  const std::string id = home.Create({"say-term"});
  ToolProcess maker = home.Begin({"attach-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20'000)).has_value());
  maker.KillAndReap();
  ASSERT_TRUE(home.Shim(id).AwaitEnd(15'000));
  {
    ToolProcess second = home.Begin({"start-hold", id});
    ASSERT_TRUE(second.ReadLine(milliseconds(20'000)).has_value());
    second.KillAndReap();
  }
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Attached, ForegroundGivesMainsOutputAndExit) {
  TestHome home;
  const std::string id = home.Create({"echo", "hello", ";", "exit", "3"});
  const Answer run = home.Run({"foreground", id});
  ASSERT_TRUE(IsOk(run));
  EXPECT_EQ(run.output, "hello\n");
  EXPECT_EQ(run.shell(), 3);
  EXPECT_EQ(home.State(id), "stopped");
}

TEST(Attached, ForegroundOfABoxThatIsStoppedByAnotherTellsTheSignal) {
  TestHome home;
  const std::string id = home.Create({"sleep-forever"});
  ToolProcess run = home.Begin({"foreground", id});
  ASSERT_TRUE(home.AwaitEngine(id, "start"));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  const Answer answer = run.Finish();
  ASSERT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.shell(), 128 + SIGTERM);
}

TEST(RemoveOnExit, RemovesTheBoxOfAForegroundRunAfterItsOutputWasRead) {
  TestHome home;
  const std::string id = home.Create({"echo", "hello", ";", "exit", "5"}, {{"rm", true}});
  const Answer run = home.Run({"foreground", id});
  ASSERT_TRUE(IsOk(run));
  EXPECT_EQ(run.output, "hello\n");
  EXPECT_EQ(run.shell(), 5);
  EXPECT_EQ(home.State(id), "absent");
}

TEST(RemoveOnExit, RemovesTheBoxWhenItsMakerWasKilled) {
  TestHome home;
  const std::string id = home.Create({"sleep-forever"}, {{"rm", true}, {"name", "gone"}});
  ToolProcess maker = home.Begin({"attach-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20'000)).has_value());
  const ProcessRef shim = home.Shim(id);
  maker.KillAndReap();
  ASSERT_TRUE(shim.AwaitEnd(15'000));
  EXPECT_EQ(home.State(id), "absent");
  // Its name is free again.
  home.Create({"sleep-forever"}, {{"name", "gone"}});
}

TEST(RemoveOnExit, RemovesADetachedBoxWhoseMakerIsLongGone) {
  TestHome home;
  const std::string id = home.Start({"cat"}, {{"rm", true}});
  const ProcessRef shim = home.Shim(id);
  EXPECT_EQ(home.State(id), "running");
  ToolProcess wait = home.Begin({"wait", id});
  ASSERT_TRUE(IsOk(home.Run({"kill", id, "10"})));
  const Answer code = wait.Finish(milliseconds(15'000));
  // Whoever waits either hears the code or that the box is gone, never another code.
  EXPECT_TRUE(code.ok ? code.shell() == 138
                      : code.code == "not_found" || code.code == "wrong_state")
      << code.text();
  ASSERT_TRUE(shim.AwaitEnd(15'000));
  EXPECT_EQ(home.State(id), "absent");
}

TEST(RemoveOnExit, IsTheEndOfAStopAndOfAForcedRemove) {
  TestHome home;
  const std::string stopped = home.Start({"sleep-forever"}, {{"rm", true}});
  EXPECT_TRUE(IsOk(home.Run({"stop", stopped, "5000"})));
  EXPECT_EQ(home.State(stopped), "absent");
  const std::string removed = home.Start({"sleep-forever"}, {{"rm", true}});
  EXPECT_TRUE(IsOk(home.Run({"rmf", removed})));
  EXPECT_EQ(home.State(removed), "absent");
}

TEST(RemoveOnExit, RemovesABoxThatCouldNotStart) {
  TestHome home;
  const std::string id = home.Create({"no-such-command"}, {{"rm", true}});
  EXPECT_TRUE(HasCode(home.Run({"start", id}), "command_not_found"));
  EXPECT_EQ(home.State(id), "absent");
}

}  // namespace
}  // namespace boxlite::testing
