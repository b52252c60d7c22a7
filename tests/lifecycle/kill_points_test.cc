// kill -9 at every step of create, start, stop and rm, of whoever does it: the state is truthful,
// one later verb converges, the next start works, and rm -f leaves nothing.
#include <signal.h>

#include <filesystem>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

std::string PointName(const ::testing::TestParamInfo<const char*>& one) {
  std::string name = one.param;
  name.replace(name.find('.'), 1, "_");
  return name;
}

class KillPoint : public ::testing::TestWithParam<const char*> {
 protected:
  // The verb in a process in which the point is armed.
  Answer RunArmed(const std::vector<std::string>& words) {
    home_.Set("BOXLITE_FAILPOINT", GetParam());
    const Answer answer = home_.Run(words);
    home_.Set("BOXLITE_FAILPOINT", "");
    return answer;
  }

  // Whatever happened, the box is as good as any.
  void ExpectUsable(const std::string& id) {
    ASSERT_TRUE(IsOk(home_.Run({"start", id})));
    EXPECT_EQ(home_.State(id), "running");
    EXPECT_EQ(home_.Run({"exec", id, "echo", "hi"}).output, "hi\n");
    const Answer stop = home_.Run({"stop", id, "5000"});
    ASSERT_TRUE(IsOk(stop));
    EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
    EXPECT_EQ(home_.State(id), "stopped");
    ASSERT_TRUE(IsOk(home_.Run({"start", id})));
    ASSERT_TRUE(IsOk(home_.Run({"rmf", id})));
    EXPECT_EQ(home_.State(id), "absent");
    EXPECT_EQ(FindLockedFiles(home_.path()), std::vector<std::string>());
    EXPECT_TRUE(fs::is_empty(home_.path() + "/.trash"));
  }

  TestHome home_;
};

class OfTheStarter : public KillPoint {};

TEST_P(OfTheStarter, LeavesABoxThatStarts) {
  const std::string id = home_.Create();
  EXPECT_EQ(RunArmed({"start", id}).code, "crashed");
  const std::string state = home_.State(id);
  EXPECT_TRUE(state == "configured" || state == "starting" || state == "running") << state;
  ASSERT_TRUE(IsOk(home_.Run({"start", id})));
  EXPECT_EQ(home_.EngineStarts(id), 1) << "one start, one machine";
  ExpectUsable(id);
}

TEST_P(OfTheStarter, IsNoObstacleToAForcedRemove) {
  const std::string id = home_.Create();
  RunArmed({"start", id});
  ASSERT_TRUE(IsOk(home_.Run({"rmf", id})));
  EXPECT_EQ(home_.State(id), "absent");
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheStarter,
                         ::testing::Values("start.prepared", "start.spawned", "start.told",
                                           "start.recorded"),
                         PointName);

class OfTheStartingShim : public KillPoint {};

TEST_P(OfTheStartingShim, IsAFailedStartAndLeavesABoxThatStarts) {
  const std::string id = home_.Create();
  const Answer start = RunArmed({"start", id});
  EXPECT_TRUE(HasCode(start, "unavailable"));
  EXPECT_EQ(FindLockedFiles(home_.path()), std::vector<std::string>());
  const Json box = home_.Look(id);
  // Before the record is published there was no life that could have failed.
  const bool lived = box["life"] != 0;
  EXPECT_EQ(box["state"], lived ? "failed" : "configured") << box;
  EXPECT_TRUE(HasCode(home_.Run({"wait", id}), "wrong_state"));
  ExpectUsable(id);
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheStartingShim,
                         ::testing::Values("shim.born", "shim.locked", "shim.record",
                                           "shim.published", "shim.bound", "shim.disk",
                                           "shim.engine", "shim.personalised", "shim.ready",
                                           "shim.main", "shim.started"),
                         PointName);

class OfTheEndingShim : public KillPoint {};

TEST_P(OfTheEndingShim, EndsTheBoxAllTheSame) {
  const std::string id = home_.Create();
  ASSERT_TRUE(IsOk(RunArmed({"start", id})));
  const ProcessRef engine = home_.Engine(id);
  ASSERT_TRUE(IsOk(home_.Run({"stop", id, "5000"})));
  EXPECT_FALSE(engine.alive());
  EXPECT_EQ(FindLockedFiles(home_.path()), std::vector<std::string>());
  EXPECT_EQ(home_.State(id), "stopped") << home_.Look(id);
  ExpectUsable(id);
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheEndingShim,
                         ::testing::Values("shim.stopping", "shim.exit", "shim.emptied",
                                           "shim.outcome"),
                         PointName);

class OfTheStopper : public KillPoint {};

TEST_P(OfTheStopper, LeavesABoxThatStopsOrHasStopped) {
  const std::string id = home_.Start();
  EXPECT_EQ(RunArmed({"stop", id, "5000"}).code, "crashed");
  const std::string state = home_.State(id);
  EXPECT_TRUE(state == "running" || state == "stopping" || state == "stopped") << state;
  ASSERT_TRUE(IsOk(home_.Run({"stop", id, "5000"})));
  EXPECT_EQ(home_.State(id), "stopped");
  ExpectUsable(id);
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheStopper, ::testing::Values("stop.asked", "stop.ended"),
                         PointName);

class OfTheCreator : public KillPoint {};

TEST_P(OfTheCreator, LeavesAWholeBoxOrNoneAndFreesTheName) {
  const std::string create = R"({"name":"db","argv":["sleep-forever"]})";
  EXPECT_EQ(RunArmed({"create", create}).code, "crashed");
  const Answer list = home_.Run({"ls"});
  ASSERT_TRUE(IsOk(list));
  const Json boxes = list.json["boxes"];
  if (boxes.empty()) {
    ASSERT_TRUE(IsOk(home_.Run({"create", create})));
  } else {
    EXPECT_TRUE(boxes[0]["spec_ok"].get<bool>());
    EXPECT_TRUE(HasCode(home_.Run({"create", create}), "already_exists"));
  }
  const Answer found = home_.Run({"resolve", "db"});
  ASSERT_TRUE(IsOk(found));
  ExpectUsable(found.json["id"]);
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheCreator,
                         ::testing::Values("create.files", "create.named", "create.published"),
                         PointName);

class OfTheRenamer : public KillPoint {
 protected:
  // The one name by which the box is found.
  std::string NameFound(const std::string& id) {
    std::string found;
    for (const char* name : {"old", "new"}) {
      const Answer answer = home_.Run({"resolve", name});
      if (!answer.ok) {
        EXPECT_TRUE(HasCode(answer, "not_found"));
        continue;
      }
      EXPECT_EQ(answer.json["id"], id);
      EXPECT_EQ(found, "") << "it is found by two names";
      found = name;
    }
    EXPECT_EQ(home_.Look(id).value("name", ""), found);
    return found;
  }
};

TEST_P(OfTheRenamer, LeavesABoxThatIsFoundByExactlyOneName) {
  const std::string id = home_.Create({"sleep-forever"}, {{"name", "old"}});
  EXPECT_EQ(RunArmed({"rename", id, "new"}).code, "crashed");
  const std::string name = NameFound(id);
  EXPECT_TRUE(name == "old" || name == "new") << name;
  // The other one is free for anybody, and the box keeps its own.
  const std::string free = name == "old" ? "new" : "old";
  const std::string other = home_.Create({"sleep-forever"}, {{"name", free}});
  EXPECT_EQ(home_.Run({"resolve", free}).json["id"], other);
  EXPECT_EQ(home_.Run({"resolve", name}).json["id"], id);
  EXPECT_TRUE(HasCode(home_.Run({"rename", id, free}), "already_exists"));
  EXPECT_TRUE(HasCode(home_.Run({"rename", other, name}), "already_exists"));
  ExpectUsable(id);
}

TEST_P(OfTheRenamer, IsMendedByTheNextRenameOfALiveBox) {
  const std::string id = home_.Start({"sleep-forever"}, {{"name", "old"}});
  EXPECT_EQ(RunArmed({"rename", id, "new"}).code, "crashed");
  ASSERT_TRUE(IsOk(home_.Run({"rename", id, "new"})));
  EXPECT_EQ(NameFound(id), "new");
  EXPECT_FALSE(fs::is_symlink(home_.path() + "/names/old"));
  EXPECT_EQ(home_.State(id), "running");
  ASSERT_TRUE(IsOk(home_.Run({"rmf", "new"})));
  EXPECT_TRUE(fs::is_empty(home_.path() + "/names"));
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheRenamer,
                         ::testing::Values("rename.claimed", "rename.written", "rename.released"),
                         PointName);

class OfTheRemover : public KillPoint {};

TEST_P(OfTheRemover, LeavesNoBoxAndFreesTheName) {
  const std::string id = home_.Create({"sleep-forever"}, {{"name", "db"}});
  EXPECT_EQ(RunArmed({"rm", id}).code, "crashed");
  EXPECT_EQ(home_.State(id), "absent");
  EXPECT_TRUE(HasCode(home_.Run({"resolve", "db"}), "not_found"));
  // The next that changes something sweeps what was left.
  const std::string next = home_.Create({"sleep-forever"}, {{"name", "db"}});
  EXPECT_TRUE(fs::is_empty(home_.path() + "/.trash"));
  ExpectUsable(next);
}

INSTANTIATE_TEST_SUITE_P(KillNine, OfTheRemover, ::testing::Values("rm.taken", "rm.unnamed"),
                         PointName);

}  // namespace
}  // namespace boxlite::testing
