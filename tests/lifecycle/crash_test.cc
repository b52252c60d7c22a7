// After kill -9 of anything, and after the loss of a directory, the truth is told and nothing is
// left.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

// Sanitized programs start and end many times slower.
constexpr milliseconds kTruth{BOXLITE_SLOW_BUILD ? 3000 : 500};

enum class Victim { kShim, kEngine, kBoth };

// Until the process has opened something whose name begins so: it is then about to wait.
bool AwaitOpen(pid_t pid, const std::string& kind) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    std::error_code error;
    for (const auto& fd : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
      const auto target = fs::read_symlink(fd.path(), error);
      if (!error && target.string().rfind(kind, 0) == 0) return true;
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

// As rm -rf: whoever else removes something meanwhile is no obstacle.
void RemoveAll(const std::string& path) {
  std::error_code error;
  do {
    fs::remove_all(path, error);
  } while (error == std::errc::no_such_file_or_directory && fs::exists(path));
  EXPECT_FALSE(fs::exists(path)) << error.message();
}

class KillNine : public ::testing::TestWithParam<Victim> {};

TEST_P(KillNine, IsTruthWithinHalfASecondForProcessesThatOnlyWatch) {
  TestHome home;
  const std::string id = home.Start({"echo", "ready", ";", "sleep-forever"});
  ToolProcess wait = home.Begin({"wait", id});
  ToolProcess follow = home.Begin({"follow", id});
  ToolProcess exec = home.Begin({"exec", id, "sleep-forever"});
  ASSERT_TRUE(home.AwaitEngine(id, "exec"));
  ASSERT_TRUE(AwaitOpen(wait.pid(), "socket:"));
  ASSERT_EQ(follow.ReadLine(milliseconds(10'000)), "ready");
  ASSERT_TRUE(AwaitOpen(follow.pid(), "anon_inode:inotify"));
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);

  const auto killed_at = std::chrono::steady_clock::now();
  if (GetParam() != Victim::kEngine) {
    ASSERT_TRUE(shim.Signal(SIGKILL));
  }
  if (GetParam() != Victim::kShim) engine.Signal(SIGKILL);
  const Answer wait_answer = wait.Finish(milliseconds(10'000));
  const Answer follow_answer = follow.Finish(milliseconds(10'000));
  const Answer exec_answer = exec.Finish(milliseconds(10'000));
  const auto told_at = std::chrono::steady_clock::now();

  EXPECT_LE(std::chrono::duration_cast<milliseconds>(told_at - killed_at), kTruth);
  EXPECT_TRUE(HasCode(wait_answer, "wrong_state")) << "a life without main's exit has no code";
  EXPECT_TRUE(IsOk(follow_answer));
  EXPECT_TRUE(HasCode(exec_answer, "unavailable"));
  ASSERT_TRUE(engine.AwaitEnd());
  ASSERT_TRUE(shim.AwaitEnd());
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "failed") << box;
  EXPECT_TRUE(IsOk(home.Run({"start", id}))) << "a crash is no obstacle to the next start";
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

INSTANTIATE_TEST_SUITE_P(Of, KillNine,
                         ::testing::Values(Victim::kShim, Victim::kEngine, Victim::kBoth),
                         [](const auto& one) -> std::string {
                           if (one.param == Victim::kShim) return "Shim";
                           return one.param == Victim::kEngine ? "Engine" : "Both";
                         });

TEST(Crash, OfTheMachineIsToldWithHowItEnded) {
  TestHome home;
  const std::string id = home.Start();
  const Answer exec = home.Run({"exec", id, "crash"});
  EXPECT_TRUE(HasCode(exec, "unavailable"));
  const ProcessRef shim = home.Shim(id);
  ASSERT_TRUE(shim.AwaitEnd());
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "failed");
  EXPECT_NE(box["reason"].get<std::string>().find("signal 9"), std::string::npos) << box;
}

TEST(Crash, OfTheGuestsPowerLooksLikeWhatItIs) {
  TestHome home;
  const std::string id = home.Start();
  EXPECT_FALSE(home.Run({"exec", id, "poweroff"}).ok);
  ASSERT_TRUE(home.Shim(id).AwaitEnd());
  EXPECT_EQ(home.State(id), "failed") << "main did not end: its machine did";
}

// What a lying guest sends costs it its box, not the shim its wits.
TEST(Crash, OfTheProtocolByTheGuestEndsTheBoxWithAReason) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"lie": ["garbage"]})");
  home.Run({"start", id});
  const ProcessRef shim = home.Shim(id);
  ASSERT_TRUE(shim.AwaitEnd(15'000));
  EXPECT_EQ(home.State(id), "failed");
}

TEST(Crash, OfAnOversizedChunkLosesNoMoreThanTheProgram) {
  TestHome home;
  const std::string id = home.Start();
  const Answer exec = home.Run({"exec", id, "big-chunk"}, milliseconds(10'000));
  EXPECT_TRUE(exec.exited);
  EXPECT_EQ(exec.output, "") << "nothing of a chunk beyond the contract is handed on";
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Crash, OfTheDirectoryOfALiveBoxLeavesNoMachine) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  RemoveAll(home.box(id));
  EXPECT_TRUE(shim.AwaitEnd(10'000));
  EXPECT_TRUE(engine.AwaitEnd(10'000));
  EXPECT_EQ(home.State(id), "absent");
}

TEST(Crash, OfTheWholeHomeLeavesNoMachine) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  RemoveAll(home.path());
  EXPECT_TRUE(shim.AwaitEnd(10'000));
  EXPECT_TRUE(engine.AwaitEnd(10'000));
}

TEST(Crash, OfALockFileEndsTheBoxBeforeAnybodyStartsASecondMachine) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  const ProcessRef engine = home.Engine(id);
  fs::remove(home.box(id) + "/shim.lock");
  EXPECT_TRUE(shim.AwaitEnd(10'000));
  EXPECT_TRUE(engine.AwaitEnd(10'000));
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
  EXPECT_EQ(home.State(id), "absent");
}

// A start waits while anything of the last machine lives, and then works.
TEST(Crash, OfAShimIsNoReasonToStartASecondMachineBesideTheFirst) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"helper": true})");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(home.Engine(id).AwaitEnd());
  fs::remove(home.box(id) + "/fake.json");
  const std::vector<Leftover> helpers = FindProcessesBelow(home.box(id));
  ASSERT_EQ(helpers.size(), 1u);
  const ProcessRef helper{helpers[0].pid, StartTicks(helpers[0].pid)};
  ToolProcess start = home.Begin({"start", id});
  EXPECT_FALSE(start.ReadLine(milliseconds(300)).has_value()) << "it did not wait";
  EXPECT_EQ(home.EngineStarts(id), 1);
  ASSERT_TRUE(helper.Signal(SIGKILL));
  const Answer started = start.Finish();
  EXPECT_TRUE(IsOk(started));
  EXPECT_EQ(home.EngineStarts(id), 2);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

// Records of another boot: nothing of them lives, nobody is signalled, nothing is probed.
TEST(Crash, OfTheHostIsToldAsARestartOfTheHost) {
  TestHome home;
  const std::string id = home.Start();
  ASSERT_TRUE(home.Shim(id).Signal(SIGKILL));
  ASSERT_TRUE(home.Engine(id).AwaitEnd());
  const Innocent innocent;
  Json record = home.Record(id);
  record["boot_id"] = "00000000-0000-0000-0000-000000000000";
  record["shim"] = {{"pid", innocent.ref().pid}, {"start_ticks", innocent.ref().ticks}};
  record["vm"] = record["shim"];
  WriteWhole(home.LifeDir(id) + "/record.json", record.dump());
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "failed");
  EXPECT_NE(box["reason"].get<std::string>().find("host restarted"), std::string::npos) << box;
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
  EXPECT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
  EXPECT_TRUE(innocent.Unharmed());
}

}  // namespace
}  // namespace boxlite::testing
