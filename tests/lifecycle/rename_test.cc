// Renaming against everything else that has to do with names.
#include <filesystem>
#include <map>

#include "testing/worker_pool.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = BOXLITE_SLOW_BUILD ? 10 : 60;

// Every name in boxes' specs, and every one of them found.
void ExpectDistinctNames(TestHome& home) {
  std::map<std::string, std::string> owners;
  const Answer listed = home.Run({"ls"});  // outlives the loop over it
  for (const Json& box : listed.json.at("boxes")) {
    const std::string name = box.value("name", "");
    if (name.empty()) continue;
    EXPECT_TRUE(owners.emplace(name, box["id"]).second) << "two boxes are called " << name;
    EXPECT_EQ(home.Run({"resolve", name}).json.value("id", ""), box["id"]) << name;
  }
}

TEST(Rename, OfALiveBoxLeavesItRunningAndRemovesItUnderItsNewName) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "old"}});
  ASSERT_TRUE(IsOk(home.Run({"rename", "old", "new"})));
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(HasCode(home.Run({"resolve", "old"}), "not_found"));
  EXPECT_EQ(home.Run({"exec", "new", "echo", "hi"}).output, "hi\n");
  ASSERT_TRUE(IsOk(home.Run({"rmf", "new"})));
  EXPECT_TRUE(fs::is_empty(home.path() + "/names"));
}

TEST(Rename, OfABoxThatRemovesItselfFreesTheNewName) {
  TestHome home;
  const std::string id = home.Start({"sleep-forever"}, {{"name", "old"}, {"rm", true}});
  ASSERT_TRUE(IsOk(home.Run({"rename", id, "new"})));
  ASSERT_TRUE(IsOk(home.Run({"stop", "new", "5000"})));
  EXPECT_EQ(home.State(id), "absent");
  EXPECT_TRUE(fs::is_empty(home.path() + "/names"));
  home.Create({"sleep-forever"}, {{"name", "new"}});
}

TEST(Rename, FreesTheOldNameAtOnce) {
  TestHome home;
  const std::string first = home.Create({"sleep-forever"}, {{"name", "web"}});
  ASSERT_TRUE(IsOk(home.Run({"rename", "web", "web-1"})));
  const std::string second = home.Create({"sleep-forever"}, {{"name", "web"}});
  EXPECT_EQ(home.Run({"resolve", "web"}).json["id"], second);
  EXPECT_EQ(home.Run({"resolve", "web-1"}).json["id"], first);
}

TEST(Rename, ToATakenNameIsRefusedAndChangesNoByte) {
  TestHome home;
  const std::string id = home.Create({"sleep-forever"}, {{"name", "a"}});
  home.Create({"sleep-forever"}, {{"name", "b"}});
  const std::string names = Fingerprint(home.path() + "/names");
  const std::string spec = ReadWhole(home.box(id) + "/box.json");
  EXPECT_TRUE(HasCode(home.Run({"rename", "a", "b"}), "already_exists"));
  EXPECT_TRUE(HasCode(home.Run({"rename", "a", "../b"}), "invalid_argument"));
  EXPECT_TRUE(HasCode(home.Run({"rename", "none", "c"}), "not_found"));
  EXPECT_EQ(Fingerprint(home.path() + "/names"), names);
  EXPECT_EQ(ReadWhole(home.box(id) + "/box.json"), spec);
}

TEST(Rename, OfTwoBoxesToOneNameHasOneWinner) {
  TestHome home;
  const std::string a = home.Create();
  const std::string b = home.Create();
  WorkerPool pool(home, 2);
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = "n" + std::to_string(round);
    const auto answers = pool.Round({{"rename", a, name}, {"rename", b, name}});
    ASSERT_NE(answers[0].ok, answers[1].ok) << answers[0].text() << answers[1].text();
    ASSERT_TRUE(HasCode(answers[answers[0].ok ? 1 : 0], "already_exists"));
    ASSERT_EQ(home.Run({"resolve", name}).json["id"], answers[0].ok ? a : b);
  }
  ExpectDistinctNames(home);
}

TEST(Rename, OfOneBoxByTwoEndsWithOneOfTheirNames) {
  TestHome home;
  const std::string id = home.Create({"sleep-forever"}, {{"name", "first"}});
  WorkerPool pool(home, 2);
  for (int round = 0; round < kRounds; ++round) {
    const std::string x = "x" + std::to_string(round);
    const std::string y = "y" + std::to_string(round);
    for (const Answer& answer : pool.Round({{"rename", id, x}, {"rename", id, y}})) {
      ASSERT_TRUE(IsOk(answer));
    }
    ASSERT_NE(home.Run({"resolve", x}).ok, home.Run({"resolve", y}).ok);
  }
  ExpectDistinctNames(home);
}

TEST(Rename, AgainstARemoveLeavesNoNameBehind) {
  TestHome home;
  WorkerPool pool(home, 2);
  for (int round = 0; round < kRounds; ++round) {
    const std::string id = home.Create({"sleep-forever"}, {{"name", "old"}});
    const auto answers = pool.Round({{"rename", id, "new"}, {"rm", id}});
    ASSERT_TRUE(IsOk(answers[1]));
    if (!answers[0].ok) {
      ASSERT_TRUE(HasCode(answers[0], "not_found"));
    }
    ASSERT_TRUE(fs::is_empty(home.path() + "/names")) << "round " << round;
  }
}

TEST(Rename, AgainstACreateOfTheOldOrTheNewNameLetsNoTwoShareOne) {
  TestHome home;
  WorkerPool pool(home, 3);
  const std::string id = home.Create({"sleep-forever"}, {{"name", "n0"}});
  for (int round = 0; round < kRounds; ++round) {
    const std::string old_name = "n" + std::to_string(round);
    const std::string new_name = "n" + std::to_string(round + 1);
    const auto answers = pool.Round({{"rename", id, new_name},
                                     {"create", Json{{"name", old_name}}.dump()},
                                     {"create", Json{{"name", new_name}}.dump()}});
    ASSERT_NE(answers[0].ok, answers[2].ok) << "the new name has one owner";
    ExpectDistinctNames(home);
    for (const Answer* created : {&answers[1], &answers[2]}) {
      if (created->ok) {
        ASSERT_TRUE(IsOk(home.Run({"rm", created->json["id"]})));
      } else {
        ASSERT_TRUE(HasCode(*created, "already_exists"));
      }
    }
    if (!answers[0].ok) {
      ASSERT_TRUE(IsOk(home.Run({"rename", id, new_name})));
    }
  }
}

}  // namespace
}  // namespace boxlite::testing
