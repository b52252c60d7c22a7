// Main's exit: told as often as asked, by anybody, never invented.
#include <signal.h>

#include <filesystem>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

TEST(Wait, GivesTheSameCodeToEveryoneAndForEver) {
  TestHome home;
  const std::string id = home.Create({"cat", ";", "exit", "7"});
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ToolProcess first = home.Begin({"wait", id});
  ToolProcess second = home.Begin({"wait", id});
  // A waiter that dies loses nothing for the others.
  second.KillAndReap();
  ToolProcess third = home.Begin({"wait", id});
  ASSERT_TRUE(IsOk(home.Run({"kill", id, "12"})));
  EXPECT_EQ(first.Finish().shell(), 128 + 12);
  EXPECT_EQ(third.Finish().shell(), 128 + 12);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(home.Run({"wait", id}).shell(), 128 + 12);
}

TEST(Wait, GivesACodeSevenAsSeven) {
  TestHome home;
  const std::string id = home.Start({"exit", "7"});
  for (int i = 0; i < 3; ++i) {
    const Answer wait = home.Run({"wait", id});
    ASSERT_TRUE(IsOk(wait));
    EXPECT_EQ(wait.json["exit"]["code"], 7);
  }
  EXPECT_EQ(home.Run({"stop", id, "5000"}).json["exit"]["code"], 7);
  EXPECT_EQ(home.Run({"wait", id}).json["exit"]["code"], 7);
  EXPECT_EQ(home.State(id), "stopped") << "whatever code main has, the box is stopped";
}

// The answer to a wait is durable before it is given: no death afterwards can take it back.
TEST(Wait, IsAnsweredOnlyWhenTheExitIsOnTheDisk) {
  TestHome home;
  const std::string id = home.Create({"cat", ";", "exit", "7"});
  home.Script(id, R"({"slow": {"shutdown": 3000}})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  ToolProcess wait = home.Begin({"wait", id});
  ASSERT_TRUE(IsOk(home.Run({"kill", id, "12"})));
  EXPECT_EQ(wait.Finish().shell(), 128 + 12);
  ASSERT_TRUE(shim.Signal(SIGKILL));
  ASSERT_TRUE(engine.AwaitEnd());
  EXPECT_EQ(home.Run({"wait", id}).shell(), 128 + 12);
  EXPECT_EQ(home.State(id), "stopped");
}

TEST(Wait, OnALifeWithoutMainsExitIsATypedErrorAndNeverZero) {
  TestHome home;
  const std::string id = home.Start();
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(home.Engine(id).AwaitEnd());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(HasCode(home.Run({"wait", id}), "wrong_state"));
}

TEST(Wait, OnABoxThatNeverLivedIsRefused) {
  TestHome home;
  EXPECT_TRUE(HasCode(home.Run({"wait", home.Create()}), "wrong_state"));
}

TEST(Wait, IgnoresAnExitThatBelongsToAnotherLife) {
  TestHome home;
  const std::string id = home.Start({"exit", "7"});
  ASSERT_TRUE(IsOk(home.Run({"wait", id})));
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  const std::string old_exit = ReadWhole(home.LifeDir(id) + "/exit.json");
  const std::string old_outcome = ReadWhole(home.LifeDir(id) + "/outcome.json");
  // The next life is lost without an exit of its own.
  home.Script(id, R"({"silent": ["start"]})");
  ToolProcess start = home.Begin({"start", id});
  ASSERT_TRUE(home.AwaitEngine(id, "start", 2));
  WriteWhole(home.LifeDir(id) + "/exit.json", old_exit);
  WriteWhole(home.LifeDir(id) + "/outcome.json", old_outcome);
  EXPECT_EQ(home.State(id), "starting") << "a live shim beats the files of an earlier life";
  const ProcessRef engine = home.Engine(id);
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(engine.AwaitEnd());
  start.Finish();
  EXPECT_EQ(home.State(id), "failed");
  EXPECT_TRUE(HasCode(home.Run({"wait", id}), "wrong_state"));
}

TEST(Wait, WithAnUnreadableExitIsAnErrorAndKeepsTheFile) {
  TestHome home;
  const std::string id = home.Start({"exit", "7"});
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  WriteWhole(home.LifeDir(id) + "/exit.json", "{\"exit\": {\"co");
  EXPECT_TRUE(HasCode(home.Run({"wait", id}), "wrong_state"));
  EXPECT_EQ(ReadWhole(home.LifeDir(id) + "/exit.json"), "{\"exit\": {\"co");
}

TEST(Wait, WithAnUnreadableOutcomeIsFailedAndKeepsTheFile) {
  TestHome home;
  const std::string id = home.Start();
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  WriteWhole(home.LifeDir(id) + "/outcome.json", "{");
  EXPECT_EQ(home.State(id), "failed");
  EXPECT_EQ(ReadWhole(home.LifeDir(id) + "/outcome.json"), "{");
  EXPECT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Logs, AreThereAfterTheEndAndAfterACrash) {
  TestHome home;
  const std::string id = home.Start({"echo", "one", ";", "echo-err", "two", ";", "sleep-forever"});
  // Nothing flushes them: they are in the file when the guest's call has returned.
  ToolProcess follow = home.Begin({"follow", id});
  EXPECT_EQ(follow.ReadLine(milliseconds(10'000)), "one");
  EXPECT_EQ(home.Run({"exec", id, "echo", "x"}).output, "x\n");
  const ProcessRef engine = home.Engine(id);
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(engine.AwaitEnd());
  EXPECT_TRUE(IsOk(follow.Finish(milliseconds(5000))));
  EXPECT_EQ(home.Logs(id), "one\n");  // what was on stderr is on the tool's stderr
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  EXPECT_EQ(home.Logs(id), "one\none\n") << "the log goes on over lives";
}

TEST(Logs, FollowEndsWithTheLifeAndHasAllOfIt) {
  TestHome home;
  const std::string id = home.Start({"cat", ";", "echo", "never"});
  ToolProcess follow = home.Begin({"follow", id});
  ToolProcess spew = home.Begin({"exec", id, "spew", "3000000"});
  EXPECT_EQ(spew.Finish().output.size(), 3'000'000u);
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  EXPECT_TRUE(IsOk(follow.Finish(milliseconds(5000))));
}

TEST(Exec, PassesBytesBothWays) {
  TestHome home;
  const std::string id = home.Start();
  ToolProcess exec = home.Begin({"exec-in", id, "cat"});
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(1 + i * 7 % 250));
  bytes += "\n";
  exec.Send(bytes);
  exec.EndInput();
  const Answer answer = exec.Finish();
  ASSERT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.output, bytes);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Exec, BootsABoxWithoutACommandOfItsOwnAndNoOther) {
  TestHome home;
  const Answer created = home.Run({"create", R"({})"});
  ASSERT_TRUE(IsOk(created));
  const std::string plain = created.json["id"];
  EXPECT_EQ(home.Run({"exec", plain, "echo", "hi"}).output, "hi\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", plain, "5000"})));
  const std::string own = home.Create({"exit", "0"});
  EXPECT_TRUE(HasCode(home.Run({"exec", own, "echo", "hi"}), "wrong_state"));
  EXPECT_EQ(home.EngineStarts(own), 0);
}

}  // namespace
}  // namespace boxlite::testing
