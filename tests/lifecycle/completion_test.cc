// The completion of bash, sourced in a real one and driven as readline drives it.
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

class BashCompletion : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/bin/bash", X_OK) != 0) GTEST_SKIP() << "there is no bash";
    home_.Create({"sleep-forever"}, {{"name", "web"}});
    home_.Create({"sleep-forever"}, {{"name", "worker"}});
    ::setenv("BOXLITE_HOME", home_.path().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("BOXLITE_HOME"); }

  // The candidates for the last of the words, as bash splits them, separated by blanks.
  std::string Complete(const std::string& words) {
    const std::string program = BOXLITE_PROGRAM;
    const std::string script = "cd " + home_.root() + " && source <('" + program +
                               "' completion bash) && COMP_WORDS=('" + program + "' " + words +
                               ") && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _boxlite && "
                               "echo \"${COMPREPLY[*]}\"";
    WriteWhole(home_.root() + "/script", script);
    std::string output;
    FILE* pipe = ::popen(("/bin/bash --norc " + home_.root() + "/script 2>&1").c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::array<char, 4096> buffer = {};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
    EXPECT_EQ(::pclose(pipe), 0) << output;
    return output;
  }

  TestHome home_;
};

TEST_F(BashCompletion, OffersCommandsOptionsValuesAndBoxes) {
  EXPECT_EQ(Complete("ren"), "rename\n");
  EXPECT_EQ(Complete("logs --ti"), "--timestamps\n");
  EXPECT_EQ(Complete("stop ''"), "worker web\n");
  EXPECT_EQ(Complete("stop web wo"), "worker\n");
  EXPECT_EQ(Complete("inspect --format = j"), "json\n");
  EXPECT_EQ(Complete("inspect --format ="), "json yaml\n");
  EXPECT_EQ(Complete("frob ''"), "\n");
}

TEST_F(BashCompletion, LeavesFilesToBashWhereAFileIsExpected) {
  WriteWhole(home_.root() + "/variables.env", "A=1\n");
  EXPECT_EQ(Complete("run --env-file vari"), "variables.env\n");
  EXPECT_EQ(Complete("--home ho"), "home\n");
}

TEST_F(BashCompletion, AsksTheHomeThatTheLineNamesAndMakesNone) {
  const std::string none = home_.root() + "/none";
  EXPECT_EQ(Complete("--home " + none + " stop ''"), "\n");
  EXPECT_NE(::access(none.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace boxlite::testing
