// A record that names a process which is not the box's shim never gets that process signalled.
#include <signal.h>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

enum class Forgery { kOtherTicks, kOtherBoot, kExactly, kOtherNamespace, kLiveShim };
enum class BoxIs { kLive, kDead };

std::string NameOf(Forgery forgery) {
  switch (forgery) {
    case Forgery::kOtherTicks:
      return "SamePidOtherTicks";
    case Forgery::kOtherBoot:
      return "SameTicksOtherBoot";
    case Forgery::kExactly:
      return "SamePidSameTicks";
    case Forgery::kOtherNamespace:
      return "SameTicksOtherNamespace";
    case Forgery::kLiveShim:
      return "ShimOfAnotherBox";
  }
  return "";
}

struct Case {
  Forgery forgery;
  BoxIs box_is;
};

class Innocents : public ::testing::TestWithParam<Case> {
 protected:
  // A box that is live or dead, its record naming `victim` in the case's way.
  std::string ForgedBox(const ProcessRef& victim) {
    const std::string id = home_.Create({"say-term"});
    EXPECT_TRUE(IsOk(home_.Run({"start", id})));
    if (GetParam().box_is == BoxIs::kDead) {
      EXPECT_TRUE(home_.Shim(id).Signal(SIGKILL));
      EXPECT_TRUE(home_.Engine(id).AwaitEnd());
    }
    Json record = home_.Record(id);
    const bool other_ticks = GetParam().forgery == Forgery::kOtherTicks;
    record["shim"] = {{"pid", victim.pid}, {"start_ticks", victim.ticks + (other_ticks ? 1 : 0)}};
    record["vm"] = record["shim"];
    if (GetParam().forgery == Forgery::kOtherBoot) record["boot_id"] = "another-boot";
    if (GetParam().forgery == Forgery::kOtherNamespace) record["pid_namespace"] = 1;
    WriteWhole(home_.LifeDir(id) + "/record.json", record.dump());
    return id;
  }

  TestHome home_;
};

TEST_P(Innocents, AreNeverSignalledUnderAnyVerb) {
  const Innocent bystander;
  std::string other;
  ProcessRef victim = bystander.ref();
  if (GetParam().forgery == Forgery::kLiveShim) {
    other = home_.Start();
    victim = home_.Shim(other);
  }
  const auto unharmed = [&] {
    return other.empty() ? bystander.Unharmed()
                         : victim.alive() && ProcessState(victim.pid) != 'T' &&
                               home_.State(other) == "running";
  };
  const bool live = GetParam().box_is == BoxIs::kLive;
  const std::vector<std::vector<std::string>> endings = {
      {"stop", "ID", "100"}, {"rmf", "ID"}, {"restart", "ID", "100"}, {"rm", "ID"}};
  for (const std::vector<std::string>& ending : endings) {
    const std::string id = ForgedBox(victim);
    SCOPED_TRACE(ending[0]);
    const std::string state = live ? "running" : "failed";
    EXPECT_EQ(home_.State(id), state);
    EXPECT_TRUE(IsOk(home_.Run({"inspect", id})));
    EXPECT_TRUE(IsOk(home_.Run({"logs", id})));
    ASSERT_TRUE(unharmed());
    // A signal that main survives: the box is to live until the verb that ends it.
    const Answer kill = home_.Run({"kill", id, std::to_string(SIGCONT)});
    EXPECT_TRUE(kill.ok == live) << kill.text();
    if (!live) {
      EXPECT_TRUE(HasCode(home_.Run({"wait", id}), "wrong_state"));
    }
    EXPECT_FALSE(home_.Run({"exec", id, "no-such-command"}).ok);
    ASSERT_TRUE(unharmed());
    ASSERT_EQ(home_.State(id), state);
    std::vector<std::string> words = ending;
    words[1] = id;
    const Answer ended = home_.Run(words);
    EXPECT_TRUE(ended.ok || (ending[0] == "rm" && live)) << ended.text();
    ASSERT_TRUE(unharmed());
    if (ending[0] == "restart") {
      EXPECT_EQ(home_.State(id), "running");
    }
    if (ending[0] == "stop" && !live) {
      EXPECT_TRUE(IsOk(home_.Run({"start", id})));
    }
    EXPECT_TRUE(home_.Run({"rmf", id}).ok || home_.State(id) == "absent");
    ASSERT_TRUE(unharmed());
  }
  if (!other.empty()) {
    EXPECT_TRUE(IsOk(home_.Run({"stop", other, "5000"})));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Innocents,
                         ::testing::Values(Case{Forgery::kOtherTicks, BoxIs::kLive},
                                           Case{Forgery::kOtherTicks, BoxIs::kDead},
                                           Case{Forgery::kOtherBoot, BoxIs::kLive},
                                           Case{Forgery::kOtherBoot, BoxIs::kDead},
                                           Case{Forgery::kExactly, BoxIs::kLive},
                                           Case{Forgery::kExactly, BoxIs::kDead},
                                           Case{Forgery::kOtherNamespace, BoxIs::kLive},
                                           Case{Forgery::kOtherNamespace, BoxIs::kDead},
                                           Case{Forgery::kLiveShim, BoxIs::kLive},
                                           Case{Forgery::kLiveShim, BoxIs::kDead}),
                         [](const auto& one) {
                           return NameOf(one.param.forgery) +
                                  (one.param.box_is == BoxIs::kLive ? "InALiveBox" : "InADeadBox");
                         });

}  // namespace
}  // namespace boxlite::testing
