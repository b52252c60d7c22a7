// Many processes on one home: each history is one that some order explains, each error is typed,
// one machine.
#include <signal.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "testing/worker_pool.h"

namespace boxlite::testing {
namespace {

constexpr int kStarters = 32;
constexpr int kRounds = BOXLITE_SLOW_BUILD ? 40 : 200;
constexpr int kStoppedWinnerEvery = 10;
constexpr milliseconds kWinnerSleeps{40};
constexpr int kPairRounds = BOXLITE_SLOW_BUILD ? 10 : 40;

// Stops whoever holds the verb lock for a moment, as the scheduler of a loaded machine would.
void PutTheWinnerToSleep(TestHome& home, const std::string& id, const WorkerPool& pool) {
  const auto deadline = std::chrono::steady_clock::now() + milliseconds(200);
  while (std::chrono::steady_clock::now() < deadline) {
    const Json holder = Json::parse(ReadWhole(home.box(id) + "/verb.lock"), nullptr, false);
    const pid_t pid = holder.is_object() ? holder.value("pid", 0) : 0;
    if (!pool.Has(pid)) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    const ProcessRef winner{pid, StartTicks(pid)};
    winner.Signal(SIGSTOP);
    std::this_thread::sleep_for(kWinnerSleeps);
    winner.Signal(SIGCONT);
    return;
  }
}

int HeldMachineLocks(TestHome& home) {
  const auto locked = FindLockedFiles(home.path());
  return static_cast<int>(std::count_if(locked.begin(), locked.end(), [](const std::string& path) {
    return path.ends_with("/vm.lock");
  }));
}

TEST(Race, OfThirtyTwoStartersMakesOneMachineTwoHundredTimes) {
  TestHome home;
  const std::string id = home.Create();
  WorkerPool pool(home, kStarters);
  std::vector<std::vector<std::string>> stop(kStarters, {"ls"});
  stop[0] = {"stop", id, "5000"};
  for (int round = 1; round <= kRounds; ++round) {
    pool.GiveAll({"start", id});
    pool.Release();
    if (round % kStoppedWinnerEvery == 0) PutTheWinnerToSleep(home, id, pool);
    for (const Answer& answer : pool.Collect()) ASSERT_TRUE(IsOk(answer)) << "round " << round;
    ASSERT_EQ(home.EngineStarts(id), round) << "machines started";
    ASSERT_EQ(HeldMachineLocks(home), 1);
    for (const Answer& answer : pool.Round(stop)) ASSERT_TRUE(IsOk(answer)) << "round " << round;
    ASSERT_EQ(HeldMachineLocks(home), 0);
  }
}

TEST(Race, OfRemoveAndStartLeavesARunningBoxOrNone) {
  TestHome home;
  WorkerPool pool(home, 2);
  for (int round = 0; round < kPairRounds; ++round) {
    const std::string id = home.Create();
    const auto answers = pool.Round({{"rm", id}, {"start", id}});
    const Answer& rm = answers[0];
    const Answer& start = answers[1];
    if (rm.ok) {
      ASSERT_TRUE(HasCode(start, "not_found"));
      ASSERT_EQ(home.State(id), "absent");
      ASSERT_EQ(HeldMachineLocks(home), 0);
    } else {
      ASSERT_TRUE(HasCode(rm, "wrong_state"));
      ASSERT_TRUE(IsOk(start));
      ASSERT_EQ(home.State(id), "running");
      ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
    }
  }
}

TEST(Race, OfForcedRemoveAndStartLeavesNothing) {
  TestHome home;
  WorkerPool pool(home, 2);
  for (int round = 0; round < kPairRounds; ++round) {
    const std::string id = home.Create();
    const auto answers = pool.Round({{"rmf", id}, {"start", id}});
    ASSERT_TRUE(IsOk(answers[0]));
    // Too late, or too slow: a start that boots for long is told to give up.
    if (!answers[1].ok && answers[1].code != "unavailable") {
      ASSERT_TRUE(HasCode(answers[1], "not_found"));
    }
    ASSERT_EQ(home.State(id), "absent");
    ASSERT_EQ(HeldMachineLocks(home), 0);
  }
}

TEST(Race, OfStopAndStartEndsInOneOfTheTwoOrders) {
  TestHome home;
  const std::string id = home.Create();
  WorkerPool pool(home, 2);
  for (int round = 0; round < kPairRounds; ++round) {
    ASSERT_TRUE(IsOk(home.Run({"start", id})));
    const int starts = home.EngineStarts(id);
    const auto answers = pool.Round({{"stop", id, "5000"}, {"start", id}});
    ASSERT_TRUE(IsOk(answers[0]));
    ASSERT_TRUE(IsOk(answers[1]));
    const std::string state = home.State(id);
    // Stopped then started, or found running and then stopped.
    ASSERT_TRUE(state == "running" ? home.EngineStarts(id) == starts + 1
                                   : state == "stopped" && home.EngineStarts(id) == starts)
        << state;
    ASSERT_EQ(HeldMachineLocks(home), state == "running" ? 1 : 0);
  }
  ASSERT_TRUE(IsOk(home.Run({"rmf", id})));
}

TEST(Race, OfCreateAndListShowsWholeBoxesOnly) {
  TestHome home;
  WorkerPool pool(home, 2);
  std::set<std::string> made;
  for (int round = 0; round < kPairRounds; ++round) {
    const auto answers = pool.Round({{"create", R"({"argv":["cat"]})"}, {"ls"}});
    ASSERT_TRUE(IsOk(answers[0]));
    ASSERT_TRUE(IsOk(answers[1]));
    std::set<std::string> seen;
    for (const Json& box : answers[1].json["boxes"]) {
      ASSERT_TRUE(box["spec_ok"].get<bool>()) << box;
      ASSERT_EQ(box["state"], "configured") << box;
      seen.insert(box["id"]);
    }
    ASSERT_TRUE(std::includes(seen.begin(), seen.end(), made.begin(), made.end()))
        << "a box that had been made was not listed";
    made.insert(answers[0].json["id"].get<std::string>());
  }
}

TEST(Race, OfTwoCreatorsForOneNameHasOneWinner) {
  TestHome home;
  WorkerPool pool(home, 4);
  const std::vector<std::string> create = {"create", R"({"name":"db"})"};
  for (int round = 0; round < kPairRounds; ++round) {
    const auto answers = pool.Round({create, create, create, create});
    int winners = 0;
    for (const Answer& answer : answers) {
      winners += answer.ok;
      if (!answer.ok) {
        ASSERT_TRUE(HasCode(answer, "already_exists"));
      }
    }
    ASSERT_EQ(winners, 1);
    ASSERT_TRUE(IsOk(home.Run({"rm", "db"})));
  }
}

TEST(Race, OfExecAndStopEndsInATypedAnswer) {
  TestHome home;
  const std::string id = home.Create();
  WorkerPool pool(home, 2);
  for (int round = 0; round < kPairRounds; ++round) {
    ASSERT_TRUE(IsOk(home.Run({"start", id})));
    const auto answers = pool.Round({{"exec", id, "echo", "hi"}, {"stop", id, "5000"}});
    ASSERT_TRUE(IsOk(answers[1]));
    const Answer& exec = answers[0];
    if (exec.ok) {
      ASSERT_TRUE(exec.shell() == 0 ? exec.output == "hi\n" : exec.shell() == 128 + SIGKILL)
          << exec.text();
    } else {
      ASSERT_TRUE(exec.code == "unavailable" || exec.code == "wrong_state")
          << exec.code << ": " << exec.message;
    }
    ASSERT_EQ(home.State(id), "stopped");
  }
}

// Fourteen changing processes and two looking ones: nobody waits for ever, nobody sees nonsense.
TEST(Race, OfAllVerbsOnOneHomeDeadlocksNobody) {
  constexpr int kWorkers = 16;
  constexpr int kMixedRounds = BOXLITE_SLOW_BUILD ? 8 : 30;
  TestHome home;
  WorkerPool pool(home, kWorkers);
  std::mt19937 random(7);
  std::vector<std::string> ids;
  ids.reserve(3);
  for (int i = 0; i < 3; ++i) ids.push_back(home.Create());
  const std::set<std::string> typed = {"not_found", "wrong_state", "unavailable", "conflict"};
  for (int round = 0; round < kMixedRounds; ++round) {
    for (std::string& id : ids) {
      if (home.State(id) == "absent") id = home.Create();
    }
    std::vector<std::vector<std::string>> commands;
    for (int i = 0; i < kWorkers; ++i) {
      const std::string& id = ids[random() % ids.size()];
      switch (i < 2 ? 0 : random() % 8) {
        case 0:
          commands.push_back({"ls"});
          break;
        case 1:
        case 2:
          commands.push_back({"start", id});
          break;
        case 3:
          commands.push_back({"stop", id, "200"});
          break;
        case 4:
          commands.push_back({"exec", id, "echo", "hi"});
          break;
        case 5:
          commands.push_back({"restart", id, "200"});
          break;
        case 6:
          commands.push_back({random() % 2 == 0 ? "rm" : "inspect", id});
          break;
        default:
          commands.push_back({random() % 4 == 0 ? "rmf" : "kill", id, "10"});
          break;
      }
    }
    const auto answers = pool.Round(commands);
    for (int i = 0; i < kWorkers; ++i) {
      ASSERT_TRUE(answers[i].exited) << commands[i][0] << " hangs in round " << round;
      if (i < 2) {
        ASSERT_TRUE(IsOk(answers[i]));
      }
      ASSERT_TRUE(answers[i].ok || typed.contains(answers[i].code))
          << commands[i][0] << ": " << answers[i].code << ": " << answers[i].message;
    }
    ASSERT_LE(HeldMachineLocks(home), 3);
  }
  for (const std::string& id : ids) {
    if (home.State(id) != "absent") {
      EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
    }
  }
}

}  // namespace
}  // namespace boxlite::testing
