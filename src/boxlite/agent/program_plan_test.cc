#include "boxlite/agent/program_plan.h"

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boxlite/agent/program_child.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;

class ProgramPlanTest : public ::testing::Test {
 protected:
  ProgramPlanTest() : params_(message_.initRoot<wire::Agent::StartParams>()) {
    params_.setRole(wire::Agent::Role::EXEC);
    params_.setId("exec-1");
    SetArguments({"sh", ""});
  }
  ~ProgramPlanTest() noexcept override {}
  void SetArguments(const std::vector<std::string>& argv) {
    auto list = params_.getSpec().initArgv(static_cast<unsigned>(argv.size()));
    for (unsigned i = 0; i < argv.size(); ++i) list.set(i, AsBytes(argv[i]));
  }
  void SetVariable(std::string_view text) { params_.getSpec().initEnv(1).set(0, AsBytes(text)); }
  ErrorCode Refusal() { return ReadPlan(params_).error().code(); }

  capnp::MallocMessageBuilder message_;
  wire::Agent::StartParams::Builder params_;
};

TEST_F(ProgramPlanTest, IsReadAsItWasSent) {
  SetVariable("A=b=c");
  params_.getSpec().setUser(AsBytes("box:users"));
  Result<ProgramPlan> plan = ReadPlan(params_);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->is_main);
  EXPECT_THAT(plan->argv, ElementsAre("sh", ""));
  EXPECT_THAT(plan->env, ElementsAre("A=b=c"));
  EXPECT_EQ(plan->working_dir, "/");
  EXPECT_EQ(plan->user, "box:users");
}

TEST_F(ProgramPlanTest, ATerminalIsOneThatWasAskedFor) {
  EXPECT_EQ(ReadPlan(params_)->terminal, std::nullopt);
  params_.getSpec().initTerminal().setRows(50);
  EXPECT_EQ(ReadPlan(params_)->terminal, (WindowSize{50, 0}));
}

TEST_F(ProgramPlanTest, AnIdMustBeFitToNameACgroup) {
  for (const char* id : {"", "..", "a/b", "A", "a b", "a.b", "cgroup.kill"}) {
    params_.setId(id);
    EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument) << id;
  }
  params_.setId(std::string(64, 'a').c_str());
  EXPECT_TRUE(ReadPlan(params_).ok());
  params_.setId(std::string(65, 'a').c_str());
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
}

TEST_F(ProgramPlanTest, NoCommandIsRefused) {
  SetArguments({});
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
  SetArguments({"", "x"});
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
}

TEST_F(ProgramPlanTest, ANulByteWouldCutWhatTheProgramSees) {
  SetArguments({"sh", std::string("a\0b", 3)});
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
  SetArguments({"sh"});
  SetVariable(std::string_view("A=\0", 3));
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
}

TEST_F(ProgramPlanTest, AVariableHasANameAndAValue) {
  SetVariable("=x");
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
  SetVariable("x");
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
}

TEST_F(ProgramPlanTest, ARelativeWorkingDirectoryIsRefused) {
  params_.getSpec().setWorkingDir(AsBytes("tmp"));
  EXPECT_EQ(Refusal(), ErrorCode::kInvalidArgument);
}

TEST(ProgramFailure, SurvivesThePipe) {
  const Error error = DecodeFailure(EncodeFailure(Error(ErrorCode::kCommandNotFound, "no x")));
  EXPECT_EQ(error.code(), ErrorCode::kCommandNotFound);
  EXPECT_EQ(error.message(), "no x");
}

TEST(ProgramFailure, IsOneWriteHoweverLong) {
  const std::string bytes = EncodeFailure(Error(ErrorCode::kNotFound, std::string(100'000, 'x')));
  EXPECT_LE(bytes.size(), 4096u);
  EXPECT_EQ(DecodeFailure(bytes).code(), ErrorCode::kNotFound);
}

TEST(ProgramFailure, APartOfOneIsStillAFailure) {
  EXPECT_EQ(DecodeFailure("x").code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace boxlite
