// A detached box outlives its maker, and every later process sees and uses it.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kFreshProcesses = 100;
constexpr int kKilledMakers = 12;

TEST(Detached, RunsAndAnswersExec) {
  TestHome home;
  const std::string id = home.Start();
  EXPECT_EQ(home.State(id), "running");
  const Answer exec = home.Run({"exec", id, "echo", "hello", ";", "exit", "7"});
  ASSERT_TRUE(IsOk(exec));
  EXPECT_EQ(exec.output, "hello\n");
  EXPECT_EQ(exec.shell(), 7);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

// 100 processes that were not there when it started look at it: nothing they do changes a byte.
TEST(Detached, IsSeenUnchangedByAHundredFreshProcesses) {
  TestHome home;
  const std::string id = home.Create();
  ToolProcess maker = home.Begin({"start-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20000)).has_value());
  maker.KillAndReap();
  const ProcessRef shim = home.Shim(id);
  const std::string life = home.Look(id)["life_id"];
  const std::string before = Fingerprint(home.path());
  for (int i = 0; i < kFreshProcesses; ++i) {
    const Answer seen = i % 2 == 0 ? home.Run({"ls"}) : home.Run({"inspect", id});
    ASSERT_TRUE(IsOk(seen));
    const Json box = i % 2 == 0 ? seen.json["boxes"][0] : seen.json;
    ASSERT_EQ(box["state"], "running") << box;
    ASSERT_EQ(box["life_id"], life);
    ASSERT_EQ(box["shim_pid"], shim.pid);
    if (i % 2 == 1) {
      ASSERT_EQ(box["handshake"], "ok");
    }
  }
  EXPECT_EQ(Fingerprint(home.path()), before);
  EXPECT_TRUE(shim.alive());
  EXPECT_EQ(home.EngineStarts(id), 1);
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

// Wherever the maker's death finds the start, the box is whole: it runs, or it can be started.
TEST(Detached, SurvivesItsMakersDeathAtAnyMoment) {
  TestHome home;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> delay_us(0, 40'000);
  for (int round = 0; round < kKilledMakers; ++round) {
    const std::string id = home.Create({"say-term"});
    ToolProcess maker = home.Begin({"start-hold", id});
    // Any moment will do; the test does not depend on which.
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    maker.KillAndReap();
    ASSERT_TRUE(IsOk(home.Run({"start", id})));
    ASSERT_EQ(home.State(id), "running");
    ASSERT_EQ(home.EngineStarts(id), 1) << "two machines were started for one start";
    ASSERT_TRUE(IsOk(home.Run({"exec", id, "echo", "x"})));
    const Answer stop = home.Run({"stop", id, "5000"});
    ASSERT_TRUE(IsOk(stop));
    ASSERT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
    ASSERT_TRUE(IsOk(home.Run({"rm", id})));
  }
}

// exec, logs and stop of a box whose maker is dead take the same way as any other: by the socket,
// main gets its stop signal, the guest flushes.
TEST(Detached, IsUsedAndStoppedOnTheNormalPathByStrangers) {
  TestHome home;
  const std::string id = home.Create({"echo", "out", ";", "echo-err", "err", ";", "say-term"});
  ToolProcess maker = home.Begin({"start-hold", id});
  ASSERT_TRUE(maker.ReadLine(milliseconds(20000)).has_value());
  maker.KillAndReap();
  EXPECT_EQ(home.Run({"exec", id, "echo", "hello"}).output, "hello\n");
  EXPECT_TRUE(IsOk(home.Run({"exec", id, "write", "k", "v"})));
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_EQ(home.Logs(id).find("out\n"), 0u);
  EXPECT_NE(home.Logs(id).find("caught the stop signal"), std::string::npos);
  EXPECT_TRUE(home.Look(id)["outcome"]["flushed"].get<bool>());
  EXPECT_EQ(home.Disk(id)["k"], "v");
  const auto log = home.EngineLog(id);
  EXPECT_EQ(std::count(log.begin(), log.end(), "signal 15 to echo"), 1);
  EXPECT_EQ(std::count(log.begin(), log.end(), "quit"), 0);
}

struct Damage {
  const char* name;
  void (*apply)(const std::string& record);
};

std::string Number(const std::string& record, const std::string& pid) {
  std::string text = ReadWhole(record);
  const auto at = text.find("\"pid\": ");
  const auto end = text.find_first_of(",\n", at);
  return text.replace(at + 7, end - at - 7, pid);
}

void Replace(const std::string& record, const std::string& content) {
  fs::remove(record);
  WriteWhole(record, content);
}

const Damage kDamages[] = {
    {"Empty", [](const std::string& r) { Replace(r, ""); }},
    {"OneLine", [](const std::string& r) { Replace(r, "4711\n"); }},
    {"Binary", [](const std::string& r) { Replace(r, std::string("\x00\xff\xfe\x7f{", 5)); }},
    {"Cut", [](const std::string& r) { Replace(r, ReadWhole(r).substr(0, 40)); }},
    {"PidMinusOne", [](const std::string& r) { Replace(r, Number(r, "-1")); }},
    {"PidZero", [](const std::string& r) { Replace(r, Number(r, "0")); }},
    {"PidOne", [](const std::string& r) { Replace(r, Number(r, "1")); }},
    {"PidTwoToThe31", [](const std::string& r) { Replace(r, Number(r, "2147483648")); }},
    {"PidHuge",
     [](const std::string& r) { Replace(r, Number(r, "123456789012345678901234567890")); }},
    {"Symlink",
     [](const std::string& r) {
       fs::remove(r);
       fs::create_symlink("/etc/passwd", r);
     }},
    {"Fifo",
     [](const std::string& r) {
       fs::remove(r);
       ASSERT_EQ(::mkfifo(r.c_str(), 0600), 0);
     }},
    {"Directory",
     [](const std::string& r) {
       fs::remove(r);
       fs::create_directory(r);
     }},
    {"Absent", [](const std::string& r) { fs::remove(r); }},
};

class DamagedRecord : public ::testing::TestWithParam<Damage> {};

// A record that cannot be used hides nothing: the locks say that the box lives, and it is stopped
// with its flush like any other.
TEST_P(DamagedRecord, DoesNotHideOrHarmALiveBox) {
  TestHome home;
  const std::string id = home.Start({"say-term"});
  const ProcessRef shim = home.Shim(id);
  GetParam().apply(home.LifeDir(id) + "/record.json");
  const std::string before = Fingerprint(home.path());
  EXPECT_EQ(home.State(id), "running");
  EXPECT_EQ(Fingerprint(home.path()), before);
  EXPECT_TRUE(HasCode(home.Run({"rm", id}), "wrong_state"));
  EXPECT_TRUE(IsOk(home.Run({"start", id}))) << "a running box: nothing to do";
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_TRUE(shim.alive());
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_FALSE(shim.alive());
  const auto log = home.EngineLog(id);
  EXPECT_EQ(std::count(log.begin(), log.end(), "flushed"), 1);
  EXPECT_EQ(home.EngineStarts(id), 1);
  EXPECT_TRUE(IsOk(home.Run({"rm", id})));
}

INSTANTIATE_TEST_SUITE_P(Records, DamagedRecord, ::testing::ValuesIn(kDamages),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Detached, IsRunningWhenItsSocketWasDeletedAndGetsANewOne) {
  TestHome home;
  const std::string id = home.Start();
  fs::remove(home.box(id) + "/shim.sock");
  EXPECT_EQ(home.State(id), "running");
  // The shim hears of it; how soon is its affair, hence asked until the deadline.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  Answer exec = home.Run({"exec", id, "echo", "hi"});
  while (!exec.ok && std::chrono::steady_clock::now() < deadline) {
    ASSERT_TRUE(HasCode(exec, "unavailable"));
    exec = home.Run({"exec", id, "echo", "hi"});
  }
  EXPECT_EQ(exec.output, "hi\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

TEST(Detached, KeepsItsNameWhenTheIndexOfNamesWasDeleted) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "db"}});
  fs::remove_all(home.path() + "/names");
  fs::create_directory(home.path() + "/names");
  EXPECT_EQ(home.State(id), "running");
  const Answer found = home.Run({"resolve", "db"});
  ASSERT_TRUE(IsOk(found));
  EXPECT_EQ(found.json["id"], id);
  EXPECT_TRUE(IsOk(home.Run({"stop", "db", "5000"})));
}

// names/ is an index of ours; a user who tidies up must not lose the home.
TEST(Detached, IsFoundWhenTheDirectoryOfNamesIsGone) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "db"}});
  fs::remove_all(home.path() + "/names");
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(IsOk(home.Run({"stop", "db", "5000"})));
  EXPECT_TRUE(IsOk(home.Run({"rm", "db"})));
}

// What a step of the wall clock changes of a record is the time it was written at. Identity is boot
// and ticks: the box stays the same one.
TEST(Detached, IsTheSameAfterTheWallClockStepped) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  for (const std::int64_t step_s : {-3600LL, 3600LL, -4'000'000'000LL}) {
    Json record = home.Record(id);
    record["started_ns"] = record["started_ns"].get<std::int64_t>() + step_s * 1'000'000'000LL;
    WriteWhole(home.LifeDir(id) + "/record.json", record.dump());
    const Answer seen = home.Run({"inspect", id});
    EXPECT_EQ(seen.json["state"], "running");
    EXPECT_EQ(seen.json["handshake"], "ok");
    EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  }
  EXPECT_TRUE(shim.alive());
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
}

// The starter's death during the hand-over opens no gap for a second machine.
TEST(Detached, KeepsRunningWhenItsMakersSessionEnds) {
  TestHome home;
  const std::string id = home.Start();
  const ProcessRef shim = home.Shim(id);
  std::ifstream stat("/proc/" + std::to_string(shim.pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string state;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  fields >> state >> parent >> group >> session;
  EXPECT_NE(parent, ::getpid());
  EXPECT_NE(session, ::getsid(0)) << "a hang-up of the maker's terminal would reach it";
  EXPECT_NE(group, ::getpgrp());
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
}

}  // namespace
}  // namespace boxlite::testing
