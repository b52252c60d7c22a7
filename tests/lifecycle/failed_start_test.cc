// A start that fails says at which stage and why, leaves no process and no lock, keeps the disk,
// and the next start works.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

struct Failure {
  const char* name;
  const char* script;  // fake.json
  const char* stage;
  const char* code;
  const char* words;  // in the reason
};

constexpr Failure kFailures[] = {
    {"EngineEndsAtOnce", R"({"die": ["engine"]})", "guest", "unavailable", "exited with code 1"},
    {"EngineDiesAtTheGreeting", R"({"die": ["greeting"]})", "guest", "unavailable", "signal 9"},
    {"GuestIsSilentAtTheGreeting", R"({"silent": ["greeting"]})", "guest", "timeout",
     "BOXLITE_BOOT_TIMEOUT_MS"},
    {"GuestIsSilentAtThePersonality", R"({"silent": ["personalise"]})", "guest", "timeout",
     "stopped answering"},
    {"GuestLiesAboutItsPersonality", R"({"lie": ["challenge"]})", "guest", "unavailable",
     "did not confirm"},
    {"GuestRefusesItsPersonality", R"({"error": {"personalise": "no clock"}})", "guest", "internal",
     "no clock"},
    {"EngineDiesAtThePersonality", R"({"die": ["personalise"]})", "guest", "unavailable",
     "signal 9"},
    {"RootCannotBeMounted", R"({"error": {"mountRoot": "bad superblock"}})", "root", "internal",
     "bad superblock"},
    {"GuestIsSilentAtTheRoot", R"({"silent": ["mountRoot"]})", "root", "timeout",
     "stopped answering"},
    {"EngineDiesAtTheRoot", R"({"die": ["mountRoot"]})", "root", "unavailable", "signal 9"},
    {"MainCannotBeStarted", R"({"error": {"start": "no memory for it"}})", "main", "internal",
     "no memory for it"},
    {"GuestIsSilentAtMain", R"({"silent": ["start"]})", "main", "timeout", "stopped answering"},
    {"EngineDiesAtMain", R"({"die": ["start"]})", "main", "unavailable", "signal 9"},
};

void ExpectRecovery(TestHome& home, const std::string& id) {
  EXPECT_EQ(FindLockedFiles(home.path()), std::vector<std::string>());
  EXPECT_EQ(DescribeLeftovers(home.box(id), 5000), "");
  EXPECT_EQ(home.Disk(id)["k"], "v") << "the disk is not as it was";
  fs::remove(home.box(id) + "/fake.json");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_EQ(home.Run({"exec", id, "read", "k"}).output, "v\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

// A box with something on its disk.
std::string UsedBox(TestHome& home) {
  const std::string id = home.Start();
  EXPECT_TRUE(IsOk(home.Run({"exec", id, "write", "k", "v"})));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  return id;
}

class FailedStart : public ::testing::TestWithParam<Failure> {};

TEST_P(FailedStart, TellsStageAndReasonAndLeavesABoxThatStarts) {
  const Failure& failure = GetParam();
  TestHome home;
  const std::string id = UsedBox(home);
  home.Script(id, failure.script);
  home.Set("BOXLITE_BOOT_TIMEOUT_MS", "700");
  const Answer start = home.Run({"start", id});
  EXPECT_TRUE(HasCode(start, failure.code));
  EXPECT_NE(start.message.find(failure.words), std::string::npos) << start.message;
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "failed") << box;
  EXPECT_EQ(box["outcome"]["stage"], failure.stage) << box;
  EXPECT_NE(box["outcome"]["reason"].get<std::string>().find(failure.words), std::string::npos)
      << box;
  home.Set("BOXLITE_BOOT_TIMEOUT_MS", "60000");
  ExpectRecovery(home, id);
}

INSTANTIATE_TEST_SUITE_P(When, FailedStart, ::testing::ValuesIn(kFailures),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(FailedStarts, OfACommandThatDoesNotExistIsCommandNotFound) {
  TestHome home;
  const std::string id = home.Create({"no-such-command"});
  EXPECT_TRUE(HasCode(home.Run({"start", id}), "command_not_found"));
  EXPECT_EQ(home.Look(id)["outcome"]["stage"], "main");
  const auto log = home.EngineLog(id);
  EXPECT_EQ(std::count(log.begin(), log.end(), "flushed"), 1)
      << "the mounted root was not unmounted";
}

TEST(FailedStarts, OfACommandThatIsNotExecutableIsCommandNotExecutable) {
  TestHome home;
  const std::string id = home.Create({"not-executable"});
  EXPECT_TRUE(HasCode(home.Run({"start", id}), "command_not_executable"));
}

TEST(FailedStarts, WithoutAnEngineNameIt) {
  TestHome home;
  const std::string id = UsedBox(home);
  home.Set("BOXLITE_ENGINE", "fake:/nonexistent/engine");
  const Answer start = home.Run({"start", id});
  EXPECT_TRUE(HasCode(start, "not_found"));
  EXPECT_NE(start.message.find("/nonexistent/engine"), std::string::npos) << start.message;
  EXPECT_EQ(home.Look(id)["outcome"]["stage"], "engine");
  home.Set("BOXLITE_ENGINE", std::string("fake:") + BOXLITE_FAKE_ENGINE);
  ExpectRecovery(home, id);
}

TEST(FailedStarts, WithoutTheirImageSayWhereItShouldBe) {
  TestHome home;
  const std::string id = home.Create();
  fs::rename(home.path() + "/images", home.root() + "/images");
  fs::create_directory(home.path() + "/images");
  const Answer start = home.Run({"start", id});
  EXPECT_TRUE(HasCode(start, "not_found"));
  EXPECT_NE(start.message.find("images/"), std::string::npos) << start.message;
  EXPECT_EQ(home.State(id), "configured");
}

TEST(FailedStarts, WithoutADiskSayWhy) {
  TestHome home;
  const std::string id = home.Create();
  fs::create_directories(home.box(id) + "/.new-disk.qcow2/in-the-way");
  EXPECT_FALSE(home.Run({"start", id}).ok);
  EXPECT_EQ(home.Look(id)["outcome"]["stage"], "disk");
  fs::remove_all(home.box(id) + "/.new-disk.qcow2");
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(FailedStarts, ThatAreStoppedMidwaySayThatTheyWereStopped) {
  TestHome home;
  const std::string id = home.Create();
  home.Script(id, R"({"silent": ["greeting"]})");
  ToolProcess start = home.Begin({"start", id});
  ASSERT_TRUE(home.AwaitEngine(id, "greeting"));
  EXPECT_EQ(home.State(id), "starting");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
  const Answer started = start.Finish();
  EXPECT_TRUE(HasCode(started, "unavailable"));
  EXPECT_NE(started.message.find("stopped while it was starting"), std::string::npos)
      << started.message;
  EXPECT_EQ(home.State(id), "failed");
}

}  // namespace
}  // namespace boxlite::testing
