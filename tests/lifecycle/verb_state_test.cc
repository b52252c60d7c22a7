// Every verb on a box in every state does what the table says (RuleFor, docs/box-states.md).
#include <signal.h>

#include <optional>

#include "boxlite/runtime/box_state.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

constexpr Verb kVerbs[] = {Verb::kStart,  Verb::kStop,        Verb::kRestart, Verb::kKill,
                           Verb::kRemove, Verb::kForceRemove, Verb::kExec,    Verb::kWait,
                           Verb::kLogs,   Verb::kInspect,     Verb::kAttach,  Verb::kCopy};
constexpr BoxState kStates[] = {BoxState::kConfigured, BoxState::kStarting, BoxState::kRunning,
                                BoxState::kStopping,   BoxState::kStopped,  BoxState::kFailed};
constexpr int kMainsSignal = 12;

std::vector<std::string> Words(Verb verb, const std::string& id) {
  switch (verb) {
    case Verb::kStart:
      return {"start", id};
    case Verb::kStop:
      return {"stop", id, "5000"};
    case Verb::kRestart:
      return {"restart", id, "5000"};
    case Verb::kKill:
      return {"kill", id, std::to_string(kMainsSignal)};
    case Verb::kRemove:
      return {"rm", id};
    case Verb::kForceRemove:
      return {"rmf", id};
    case Verb::kExec:
      return {"exec", id, "echo", "hi"};
    case Verb::kWait:
      return {"wait", id};
    case Verb::kLogs:
      return {"logs", id};
    case Verb::kInspect:
      return {"inspect", id};
    case Verb::kAttach:
      return {"attach", id, R"({"say": true})"};
    case Verb::kCopy:
      return {"cp-out", id, "/greeting"};
  }
  return {};
}

using Cell = std::tuple<Verb, BoxState>;

class VerbInState : public ::testing::TestWithParam<Cell> {
 protected:
  // A box without a command of the user's, in the state.
  void Bring(BoxState state) {
    const Answer created = home_.Run({"create", "{}"});
    ASSERT_TRUE(IsOk(created));
    id_ = created.json["id"];
    if (state == BoxState::kConfigured) return;
    if (state == BoxState::kStarting) {
      home_.Script(id_, R"({"slow": {"greeting": 500}})");
      starter_.emplace(home_.Begin({"start", id_}));
      ASSERT_TRUE(home_.AwaitEngine(id_, "greeting"));
      return;
    }
    if (state == BoxState::kStopping) home_.Script(id_, R"({"slow": {"shutdown": 700}})");
    ASSERT_TRUE(IsOk(home_.Run({"start", id_})));
    if (state == BoxState::kStopping) {
      ASSERT_TRUE(IsOk(home_.Run({"kill", id_, std::to_string(kMainsSignal)})));
      ASSERT_TRUE(home_.AwaitEngine(id_, "shutdown"));
    } else if (state == BoxState::kStopped) {
      ASSERT_TRUE(IsOk(home_.Run({"stop", id_, "5000"})));
    } else if (state == BoxState::kFailed) {
      ASSERT_TRUE(home_.Shim(id_).Signal(SIGKILL));
      ASSERT_TRUE(home_.Engine(id_).AwaitEnd());
    }
  }

  // What a verb that worked has brought about.
  void ExpectDone(Verb verb, BoxState before, const Answer& answer) {
    switch (verb) {
      case Verb::kStart:
      case Verb::kRestart:
        EXPECT_TRUE(IsOk(answer));
        EXPECT_EQ(home_.State(id_), "running");
        return;
      case Verb::kStop: {
        EXPECT_TRUE(IsOk(answer));
        EXPECT_EQ(FindLockedFiles(home_.path()), std::vector<std::string>());
        // A start that was ended midway is a start that failed; it may also have been waited for.
        const std::string after = home_.State(id_);
        if (before == BoxState::kFailed) {
          EXPECT_EQ(after, "failed");
        } else {
          EXPECT_TRUE(after == "stopped" || (before == BoxState::kStarting && after == "failed"))
              << after;
        }
        return;
      }
      case Verb::kKill:
        // Of a box that is being shut down, main may have ended already.
        EXPECT_TRUE(answer.ok || (before == BoxState::kStopping && answer.code == "wrong_state"))
            << answer.text();
        return;
      case Verb::kRemove:
      case Verb::kForceRemove:
        EXPECT_TRUE(IsOk(answer));
        EXPECT_EQ(home_.State(id_), "absent");
        return;
      case Verb::kExec:
        EXPECT_TRUE(IsOk(answer));
        EXPECT_EQ(answer.output, "hi\n");
        return;
      case Verb::kCopy:
        EXPECT_TRUE(IsOk(answer));
        EXPECT_NE(answer.output.find("hi\n"), std::string::npos);
        return;
      case Verb::kAttach:
        EXPECT_TRUE(IsOk(answer));
        EXPECT_EQ(answer.shell(), 128 + kMainsSignal);
        return;
      case Verb::kWait:
        if (before == BoxState::kFailed) {
          EXPECT_TRUE(HasCode(answer, "wrong_state"));
        } else {
          EXPECT_TRUE(IsOk(answer));
          EXPECT_EQ(answer.shell(),
                    before == BoxState::kStopped ? 128 + SIGTERM : 128 + kMainsSignal);
        }
        return;
      case Verb::kLogs:
      case Verb::kInspect:
        EXPECT_TRUE(IsOk(answer));
        return;
    }
  }

  void CleanUp() {
    if (starter_) starter_->Finish();
    if (home_.State(id_) != "absent") {
      EXPECT_TRUE(IsOk(home_.Run({"rmf", id_})));
    }
  }

  TestHome home_;
  std::string id_;
  std::optional<ToolProcess> starter_;
};

TEST_P(VerbInState, DoesWhatTheTableSays) {
  const auto [verb, state] = GetParam();
  ASSERT_NO_FATAL_FAILURE(Bring(state));
  ASSERT_EQ(home_.State(id_), BoxStateName(state)) << home_.Look(id_);
  const int starts = home_.EngineStarts(id_);
  const VerbRule rule = RuleFor(verb, state);
  ToolProcess process = home_.Begin(Words(verb, id_));
  const bool ends_by_signal = verb == Verb::kWait && rule == VerbRule::kDo &&
                              (state == BoxState::kStarting || state == BoxState::kRunning);
  const bool attaches = verb == Verb::kAttach && rule != VerbRule::kRefuse;
  if (attaches) {
    EXPECT_EQ(process.ReadLine(std::chrono::seconds(30)).value_or("nothing"), "attached");
  }
  // A wait on a live box ends when main does, and so does an attach.
  if (ends_by_signal || attaches) {
    EXPECT_TRUE(IsOk(home_.Run(Words(Verb::kKill, id_))));
  }
  const Answer answer = process.Finish(std::chrono::seconds(30));
  switch (rule) {
    case VerbRule::kRefuse:
      EXPECT_TRUE(HasCode(answer, "wrong_state"));
      EXPECT_NE(home_.State(id_), "absent");
      EXPECT_EQ(home_.EngineStarts(id_), starts);
      break;
    case VerbRule::kNothingToDo:
      EXPECT_TRUE(IsOk(answer));
      EXPECT_EQ(home_.State(id_), BoxStateName(state));
      EXPECT_EQ(home_.EngineStarts(id_), starts);
      break;
    case VerbRule::kDo:
    case VerbRule::kWaitThenDo:
    case VerbRule::kBootThenDo:
      ExpectDone(verb, state, answer);
      break;
  }
  CleanUp();
}

INSTANTIATE_TEST_SUITE_P(Table, VerbInState,
                         ::testing::Combine(::testing::ValuesIn(kVerbs),
                                            ::testing::ValuesIn(kStates)),
                         [](const auto& one) {
                           std::string name(VerbName(std::get<0>(one.param)));
                           for (char& c : name) {
                             if (c == ' ' || c == '-') c = '_';
                           }
                           return name + "_" + std::string(BoxStateName(std::get<1>(one.param)));
                         });

}  // namespace
}  // namespace boxlite::testing
