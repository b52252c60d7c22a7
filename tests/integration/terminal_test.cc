// Terminals with real machines: what is typed here is a key there, and nothing stays behind here.
#include <signal.h>

#include <memory>

#include "integration/cli_runner.h"
#include "integration/terminal_session.h"

namespace boxlite::testing {
namespace {

constexpr char kImage[] = "boxlite/base";
constexpr char kControlC[] = "\x03";
constexpr char kControlD[] = "\x04";
constexpr char kControlZ[] = "\x1a";
constexpr char kDetachKeys[] = "\x10\x11";

class Terminal : public CliTest {
 protected:
  std::unique_ptr<TerminalSession> Open(std::vector<std::string> args,
                                        TerminalSize size = {24, 80}) {
    std::vector<std::string> argv = {BOXLITE_PROGRAM, "--home", home()};
    argv.insert(argv.end(), args.begin(), args.end());
    return std::make_unique<TerminalSession>(std::move(argv), size);
  }
  // What the shell writes, told from the echo of what was typed: the quotes are in the echo only.
  static std::string Say(TerminalSession& shell, const std::string& word) {
    const std::string half = word.substr(0, 1);
    shell.Type("echo " + half + "''" + word.substr(1) + "\r");
    return shell.ReadUntil(word + "\r\n");
  }
};

TEST_F(Terminal, AShellHasARealOne) {
  auto shell = Open({"run", "--rm", "-it", kImage, "sh"}, {40, 132});
  Say(*shell, "begun");
  EXPECT_TRUE(shell->IsRaw());
  shell->Type("tty; stty size; echo e''nd\r");
  const std::string told = shell->ReadUntil("end\r\n");
  EXPECT_NE(told.find("/dev/"), std::string::npos) << told;
  EXPECT_NE(told.find("\n40 132\r\n"), std::string::npos) << "its size at the first look: " << told;
  shell->Resize({50, 100});
  // The window's change travels; a key typed behind it may overtake it only here, not in the box.
  shell->Type("until stty size | grep -q '50 100'; do sleep 0.1; done; echo n''ew\r");
  shell->ReadUntil("new\r\n");

  // The job says so itself: a key that comes before it is in the foreground would be the shell's.
  shell->Type("sh -c \"echo g''o; exec sleep 1000\"\r");
  shell->ReadUntil("go\r\n");
  shell->Type(kControlC);
  Say(*shell, "alive");
  shell->Type("sh -c \"echo o''n; exec sleep 1000\"\r");
  shell->ReadUntil("on\r\n");
  shell->Type(kControlZ);
  shell->ReadUntil("Stopped");
  shell->Type("kill -9 %1; wait; sh -c 'exit 7'; echo l''eft\r");
  shell->ReadUntil("left\r\n");
  shell->Type("sh -c \"echo d''one; exit 7\"\r");
  shell->ReadUntil("done\r\n");
  // The key is the shell's only once it has set the terminal for its prompt.
  shell->ReadUntil("# ");
  shell->Type(kControlD);
  EXPECT_EQ(shell->AwaitChange(), 7);
  EXPECT_TRUE(shell->AwaitModesAsBefore());
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "");
}

TEST_F(Terminal, IsLeftByTheDetachKeysAndFoundAgain) {
  auto shell = Open({"run", "-it", "--name", "a", kImage, "sh"});
  Say(*shell, "begun");
  shell->Type("kept=here\r");
  Say(*shell, "set");
  shell->Type(kDetachKeys);
  EXPECT_EQ(shell->AwaitChange(), 0);
  EXPECT_TRUE(shell->AwaitModesAsBefore());
  EXPECT_EQ(StateOf("a"), "running") << "the life of its own that it had is disarmed";
  auto again = Open({"attach", "a"}, {30, 90});
  ASSERT_TRUE(again->AwaitRaw());
  again->Type("echo $kept $(stty size)\r");
  again->ReadUntil("here 30 90\r\n");
  again->Type("exit 5\r");
  EXPECT_EQ(again->AwaitChange(), 5);
  EXPECT_TRUE(again->AwaitModesAsBefore());
  EXPECT_NE(Ok({"logs", "a"}).find("here 30 90\r\n"), std::string::npos) << "as main wrote it";
}

TEST_F(Terminal, IsSetBackAfterItsClientWasKilledAndTheBoxEndsGracefully) {
  auto client = Open({"run", "-it", "--name", "a", kImage, "sh", "-c",
                      "trap 'exit 3' TERM; echo ready; while :; do sleep 1; done"});
  client->ReadUntil("ready");
  EXPECT_TRUE(client->IsRaw());
  ASSERT_EQ(::kill(client->job(), SIGKILL), 0);
  EXPECT_EQ(client->AwaitChange(), 128 + SIGKILL);
  EXPECT_TRUE(client->AwaitModesAsBefore());
  EXPECT_EQ(Ok({"wait", "a"}), "3");
}

TEST_F(Terminal, IsSetBackBeforeASignalEndsTheClient) {
  Ok({"run", "-dit", "--name", "a", kImage, "sh"});
  auto client = Open({"attach", "a"});
  ASSERT_TRUE(client->AwaitRaw());
  ASSERT_EQ(::kill(client->job(), SIGTERM), 0);
  EXPECT_EQ(client->AwaitChange(), 128 + SIGTERM);
  EXPECT_TRUE(client->AwaitModesAsBefore());
  EXPECT_EQ(StateOf("a"), "running") << "attach is a guest";
}

TEST_F(Terminal, IsGivenBackWhileTheClientIsStopped) {
  Ok({"run", "-dit", "--name", "a", kImage, "sh"});
  auto client = Open({"attach", "a"}, {24, 80});
  Say(*client, "begun");
  ASSERT_EQ(::kill(client->job(), SIGTSTP), 0);
  EXPECT_EQ(client->AwaitChange(), 256 + SIGSTOP);
  EXPECT_TRUE(client->AwaitModesAsBefore());
  client->Resize({33, 99});
  ASSERT_EQ(::kill(client->job(), SIGCONT), 0);
  ASSERT_TRUE(client->AwaitRaw());
  client->Type("until stty size | grep -q '33 99'; do sleep 0.1; done; echo n''ew\r");
  client->ReadUntil("new\r\n");
  client->Type(kDetachKeys);
  EXPECT_EQ(client->AwaitChange(), 0);
}

TEST_F(Terminal, OfARunThatStillBootsIsTheCallers) {
  auto run = Open({"run", "--rm", "-it", kImage, "sh"});
  while (Ok({"ls", "-a", "-q"}).empty()) {  // until the start has begun
    ASSERT_FALSE(HasFailure());
  }
  run->Type(kControlC);
  EXPECT_EQ(run->AwaitChange(), 128 + SIGINT);
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "");
}

TEST_F(Terminal, WithoutOneHereIsRefusedUnlessNothingIsTyped) {
  const CliResult refused = Run({"run", "--rm", "-it", kImage, "sh"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("no terminal"), std::string::npos) << refused.err;
  const CliResult watched = Run({"run", "--rm", "-t", kImage, "sh", "-c", "tty; exit 4"});
  EXPECT_EQ(watched.code, 4) << watched.err;
  EXPECT_NE(watched.out.find("/dev/"), std::string::npos) << watched.out;
}

TEST_F(Terminal, StartWithAIIsAShellAgain) {
  Ok({"create", "-it", "--name", "a", kImage, "sh"});
  auto shell = Open({"start", "-ai", "a"});
  Say(*shell, "begun");
  shell->Type("exit 6\r");
  EXPECT_EQ(shell->AwaitChange(), 6);
  EXPECT_TRUE(shell->AwaitModesAsBefore());
}

TEST_F(Terminal, OfAnExecIsAsGoodAsMains) {
  Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  auto shell = Open({"exec", "-it", "a", "sh"}, {40, 132});
  Say(*shell, "begun");
  shell->Type("stty size\r");
  shell->ReadUntil("40 132\r\n");
  shell->Resize({50, 100});
  shell->Type("until stty size | grep -q '50 100'; do sleep 0.1; done; echo n''ew\r");
  shell->ReadUntil("new\r\n");
  shell->Type("sh -c \"echo g''o; exec sleep 1000\"\r");
  shell->ReadUntil("go\r\n");
  shell->Type(kControlC);
  Say(*shell, "alive");
  shell->Type("exit 9\r");
  EXPECT_EQ(shell->AwaitChange(), 9);
  EXPECT_TRUE(shell->AwaitModesAsBefore());
  auto killed = Open({"exec", "-it", "a", "sh"});
  Say(*killed, "begun");
  ASSERT_EQ(::kill(killed->job(), SIGKILL), 0);
  EXPECT_EQ(killed->AwaitChange(), 128 + SIGKILL);
  EXPECT_TRUE(killed->AwaitModesAsBefore());
}

using Pipes = CliTest;

TEST_F(Pipes, GoThroughARun) {
  EXPECT_EQ(Ok({"run", "--rm", "-i", kImage, "wc", "-c"}, std::string(50'000, 'x')), "50000");
  EXPECT_EQ(Ok({"run", "--rm", kImage, "cat"}), "") << "without -i main reads end-of-file";
}

TEST_F(Pipes, ThatBreakEndTheRun) {
  RunningCli yes = Launch({"run", "--rm", kImage, "yes"});
  yes.ReadUntil("y\ny\n");
  yes.CloseOutput();
  const CliResult result = yes.Finish();
  EXPECT_EQ(result.code, 141) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "");
}

TEST_F(Pipes, FeedADetachedBoxOneAfterTheOther) {
  Ok({"run", "-di", "--name", "a", kImage, "cat"});
  for (const char* text : {"one\n", "two\n"}) {
    RunningCli attach = Launch({"attach", "a"});
    EXPECT_TRUE(::write(attach.in().get(), text, 4) == 4);
    attach.ReadUntil(text);
  }
  EXPECT_EQ(StateOf("a"), "running");
  EXPECT_EQ(Ok({"logs", "a"}), "one\ntwo");
}

}  // namespace
}  // namespace boxlite::testing
