// Execs with real machines: what their process groups and control groups do.
#include <signal.h>

#include <chrono>

#include "integration/cli_runner.h"

namespace boxlite::testing {
namespace {

constexpr char kImage[] = "boxlite/base";

class BoxExec : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Ok({"run", "-d", "--name", "a", kImage, "sleep", "100000"});
  }
  // How many processes of the box have this in their command line.
  int Running(const std::string& command) {
    return std::stoi(Ok({"exec", "a", "sh", "-c",
                         "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done "
                         "2>/dev/null | grep -c '^" +
                             command + "' || true"}));
  }
  struct Timed {
    CliResult result;
    std::chrono::milliseconds took;
  };
  Timed RunTimed(std::vector<std::string> args) {
    const auto begin = std::chrono::steady_clock::now();
    CliResult result = Run(std::move(args));
    return {std::move(result), std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now() - begin)};
  }
};

TEST_F(BoxExec, EndsAllOfAGroupAtItsTimeout) {
  const Timed timed =
      RunTimed({"exec", "--timeout", "2", "a", "sh", "-c", "sleep 301 & sleep 301 & wait"});
  EXPECT_EQ(timed.result.code, 124) << timed.result.err;
  EXPECT_GE(timed.took.count(), 2000);
  EXPECT_EQ(Running("sleep 301"), 0);
}

TEST_F(BoxExec, EndsWhatALeaderLeftBehindAtItsTimeout) {
  // The leader is gone at once; a child that holds the pipes holds the call for the drain only.
  const Timed timed = RunTimed({"exec", "--timeout", "60", "a", "sh", "-c", "echo x; sleep 302 &"});
  EXPECT_EQ(timed.result.code, 0);
  EXPECT_EQ(timed.result.out, "x\n");
  EXPECT_LT(timed.took.count(), 30'000);
  EXPECT_EQ(Running("sleep 302"), 1) << "it lives until the timeout";
  Run({"exec", "--timeout", "1", "a", "sh", "-c", "sleep 303 &"});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Running("sleep 303") != 0 && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(Running("sleep 303"), 0);
}

TEST_F(BoxExec, EndsWhoForkedTwiceAndLeftTheSession) {
  const Timed timed = RunTimed({"exec", "--timeout", "2", "a", "sh", "-c",
                                "(setsid sh -c 'trap \"\" TERM; sleep 304' &) ; sleep 304"});
  EXPECT_EQ(timed.result.code, 124);
  EXPECT_EQ(Running("sleep 304"), 0);
  EXPECT_EQ(Running("sh -c trap"), 0);
}

TEST_F(BoxExec, WithoutATimeoutSurvivorsLiveOn) {
  EXPECT_EQ(Run({"exec", "a", "sh", "-c", "sleep 305 >/dev/null 2>&1 &"}).code, 0);
  EXPECT_EQ(Running("sleep 305"), 1);
}

TEST_F(BoxExec, DetachedIsListedWaitedForAndJoined) {
  const std::string exec = Ok({"exec", "-d", "a", "sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(Ok({"wait", "--exec", exec, "a"}), "3");
  EXPECT_EQ(Ok({"wait", "--exec", exec, "a"}), "3");
  const CliResult joined = Run({"attach", "--exec", exec, "a"});
  EXPECT_EQ(joined.code, 3);
  EXPECT_EQ(joined.out, "out\n");
  EXPECT_EQ(joined.err, "err\n");
  EXPECT_EQ(Run({"attach", "--exec", exec, "--stdout-from", "2", "a"}).out, "t\n");
  const std::string list = Ok({"exec", "ls", "a"});
  EXPECT_NE(list.find(exec), std::string::npos) << list;
  EXPECT_NE(list.find("exited (3)"), std::string::npos) << list;
  const std::string sleeper = Ok({"exec", "-d", "a", "sleep", "306"});
  EXPECT_EQ(Ok({"kill", "--exec", sleeper, "-s", "TERM", "a"}), "a");
  EXPECT_EQ(Ok({"wait", "--exec", sleeper, "a"}), "143");
  EXPECT_EQ(Run({"exec", "-d", "a", "no-such-command"}).code, 127);
  EXPECT_EQ(Run({"exec", "-d", "a", "/etc/passwd"}).code, 126);
}

TEST_F(BoxExec, TellsBytesThatAreGone) {
  const std::string exec =
      Ok({"exec", "-d", "a", "sh", "-c", "head -c 2000000 /dev/zero; echo end"});
  Ok({"wait", "--exec", exec, "a"});
  const CliResult joined = Run({"attach", "--exec", exec, "a"});
  EXPECT_EQ(joined.out.size(), 1u << 20);
  EXPECT_NE(joined.err.find("951428 bytes of stdout are gone"), std::string::npos) << joined.err;
}

TEST_F(BoxExec, GoesOnForAnotherClientAfterTheFirstWasKilled) {
  RunningCli first =
      Launch({"exec", "a", "sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 1; done; exit 5"});
  const std::string seen = first.ReadUntil("2\n");
  first.Signal(SIGKILL);
  first.Finish();
  const std::string exec = Ok({"exec", "ls", "-q", "a"});
  const CliResult rest =
      Run({"attach", "--exec", exec, "--stdout-from", std::to_string(seen.size()), "a"});
  EXPECT_EQ(rest.code, 5) << rest.err;
  EXPECT_EQ(seen + rest.out, "1\n2\n3\n4\n5\n6\n");
}

TEST_F(BoxExec, PassesManyBytesBothWaysUnchanged) {
  std::string bytes;
  for (int i = 0; i < 5'000'000; ++i) bytes.push_back(static_cast<char>((i * 2654435761u) >> 9));
  const CliResult copied = Run({"exec", "-i", "a", "cat"}, bytes);
  EXPECT_EQ(copied.code, 0) << copied.err;
  EXPECT_TRUE(copied.out == bytes) << copied.out.size() << " bytes";
}

}  // namespace
}  // namespace boxlite::testing
