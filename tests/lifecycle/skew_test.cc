// Programs of different ages on one home: what an older one left can always be ended, what a newer
// one made is shown and not touched.
#include <signal.h>

#include <filesystem>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

TEST(Skew, UnknownFieldsOfANewerRecordAreNoObstacle) {
  TestHome home;
  const std::string id = home.Start({"say-term"});
  Json record = home.Record(id);
  record["cgroup"] = {{"path", "/boxes"}, {"controllers", {"cpu"}}};
  record["protocol_version"] = 99;
  WriteWhole(home.LifeDir(id) + "/record.json", record.dump());
  EXPECT_EQ(home.State(id), "running");
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
}

class OlderRecord : public ::testing::TestWithParam<const char*> {};

TEST_P(OlderRecord, WithoutAFieldIsAdoptedByTheLockAndStopsGracefully) {
  TestHome home;
  const std::string id = home.Start({"say-term"});
  Json record = home.Record(id);
  record.erase(GetParam());
  record["shim"].erase(GetParam());
  WriteWhole(home.LifeDir(id) + "/record.json", record.dump());
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(HasCode(home.Run({"rm", id}), "wrong_state"));
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_NE(home.Logs(id).find("caught the stop signal"), std::string::npos);
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
}

INSTANTIATE_TEST_SUITE_P(Of, OlderRecord,
                         ::testing::Values("start_ticks", "boot_id", "pid_namespace",
                                           "time_namespace", "protocol_version", "phase",
                                           "life_id"),
                         [](const auto& one) { return std::string(one.param); });

// A supervisor that holds the locks and knows SIGTERM, and nothing of today's socket or record.
TEST(Skew, AShimThatCannotBeAskedIsEndedByItsSignal) {
  TestHome home;
  for (const char* verb : {"stop", "rmf"}) {
    const std::string id = home.Create();
    ToolProcess old_shim = home.Begin({"pretend-shim", id});
    ASSERT_TRUE(old_shim.ReadLine(milliseconds(10'000)).has_value());
    EXPECT_EQ(home.State(id), "running");
    EXPECT_TRUE(HasCode(home.Run({"rm", id}), "wrong_state"));
    EXPECT_TRUE(HasCode(home.Run({"exec", id, "echo", "hi"}), "unavailable"));
    ToolProcess ending = home.Begin({verb, id, "0"});
    const Answer old_answer = old_shim.Finish(milliseconds(10'000));
    EXPECT_TRUE(old_answer.json.value("terminated", false)) << old_answer.text();
    const Answer ended = ending.Finish();
    EXPECT_TRUE(IsOk(ended));
    EXPECT_FALSE(ended.json.value("forced", false)) << ended.text();
    EXPECT_EQ(FindLockedFiles(home.path()), std::vector<std::string>());
  }
}

TEST(Skew, ABoxOfANewerFormatIsListedAndNotChanged) {
  TestHome home;
  const std::string id = home.Create({"sleep-forever"}, {{"name", "new"}});
  const std::string path = home.box(id) + "/box.json";
  Json spec = Json::parse(ReadWhole(path));
  spec["format"] = 2;
  spec["argv"] = {{"program", "sleep-forever"}};
  WriteWhole(path, spec.dump());
  const std::string before = Fingerprint(home.box(id));
  const Json box = home.Look(id);
  EXPECT_EQ(box["state"], "configured");
  EXPECT_EQ(box["spec_code"], "unsupported");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"start", id},
                                                {"restart", id, "0"},
                                                {"exec", id, "echo"},
                                                {"rm", id}}) {
    const Answer answer = home.Run(words);
    EXPECT_TRUE(HasCode(answer, "unsupported")) << words[0];
    EXPECT_NE(answer.message.find("newer"), std::string::npos) << answer.message;
  }
  EXPECT_TRUE(fs::exists(home.box(id) + "/box.json"));
  EXPECT_EQ(home.EngineStarts(id), 0);
  EXPECT_EQ(ReadWhole(path), spec.dump());
  // Whoever insists gets rid of it.
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
}

TEST(Skew, ADamagedSpecIsListedAndCanBeRemoved) {
  TestHome home;
  const std::string id = home.Create();
  WriteWhole(home.box(id) + "/box.json", "{\"format\": 1");
  EXPECT_EQ(home.Look(id)["spec_code"], "corrupt");
  EXPECT_TRUE(HasCode(home.Run({"start", id}), "corrupt"));
  EXPECT_TRUE(IsOk(home.Run({"rm", id})));
}

// A live box whose spec was damaged under it runs on, and is stopped like any other.
TEST(Skew, ADamagedSpecOfALiveBoxStopsNothing) {
  TestHome home;
  const std::string id = home.Start();
  WriteWhole(home.box(id) + "/box.json", "");
  EXPECT_EQ(home.State(id), "running");
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Skew, AnUnknownDirectoryAmongTheBoxesIsNeverErased) {
  TestHome home;
  const std::string id = home.Create();
  fs::create_directories(home.path() + "/boxes/my-data");
  WriteWhole(home.path() + "/boxes/my-data/file", "precious");
  fs::create_directories(home.path() + "/boxes/0123456789ab");
  WriteWhole(home.path() + "/boxes/0123456789ab/file", "precious");
  EXPECT_TRUE(IsOk(home.Run({"ls"})));
  EXPECT_TRUE(IsOk(home.Run({"start", id})));
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
  home.Create();
  EXPECT_EQ(ReadWhole(home.path() + "/boxes/my-data/file"), "precious");
  EXPECT_EQ(ReadWhole(home.path() + "/boxes/0123456789ab/file"), "precious");
}

}  // namespace
}  // namespace boxlite::testing
