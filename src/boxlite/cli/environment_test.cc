#include "boxlite/cli/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::optional<std::string> Caller(const std::string& name) {
  if (name == "HERE") return "from the caller";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

std::string FileError(std::string_view content) {
  Environment environment;
  Status added = AddVariables(content, "vars", Caller, environment);
  return added.ok() ? "" : added.error().message();
}

TEST(Environment, TakesTheCallersValueForANameAlone) {
  Environment environment;
  for (const char* text : {"A=1", "HERE", "EMPTY", "MISSING", "B=", "C=x=y"}) {
    ASSERT_TRUE(AddVariable(text, Caller, environment).ok());
  }
  EXPECT_THAT(environment.variables,
              ElementsAre("A=1", "HERE=from the caller", "EMPTY=", "B=", "C=x=y"));
  EXPECT_THAT(environment.unknown, ElementsAre("MISSING"));
}

TEST(Environment, RefusesAVariableWithoutAName) {
  Environment environment;
  EXPECT_FALSE(AddVariable("", Caller, environment).ok());
  EXPECT_FALSE(AddVariable("=x", Caller, environment).ok());
}

TEST(Environment, ReadsFilesByDockersRules) {
  Environment environment;
  const std::string content =
      "\xef\xbb\xbf# a comment\n"
      "\n"
      "   \t\n"
      "  INDENTED=1\n"
      "SPACES=  kept  \n"
      "QUOTES=\"kept\" # too\n"
      "HERE\n"
      "MISSING\n"
      "WINDOWS=line\r\n"
      "BYTES=\xff\xfe\n"
      "LAST=no newline";
  ASSERT_TRUE(AddVariables(content, "vars", Caller, environment).ok());
  EXPECT_THAT(
      environment.variables,
      ElementsAre("INDENTED=1", "SPACES=  kept  ", "QUOTES=\"kept\" # too", "HERE=from the caller",
                  "WINDOWS=line", "BYTES=\xff\xfe", "LAST=no newline"));
  EXPECT_THAT(environment.unknown, ElementsAre("MISSING"));
}

TEST(Environment, SaysWhichLineOfAFileIsWrong) {
  EXPECT_THAT(FileError("A=1\n\nB C=2\n"),
              HasSubstr("vars line 3: the name 'B C' contains white space"));
  EXPECT_THAT(FileError("=x\n"), HasSubstr("vars line 1"));
  EXPECT_THAT(FileError(std::string_view("A=1\nB=\0\n", 8)),
              HasSubstr("vars line 2: it contains a NUL"));
}

TEST(Environment, NamesAFileThatCannotBeRead) {
  Environment environment;
  Status added = AddFile("/nowhere/at/all", Caller, environment);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(added.error().message(), HasSubstr("/nowhere/at/all"));
  EXPECT_FALSE(AddFile("/", Caller, environment).ok());
  EXPECT_THAT(environment.variables, IsEmpty());
}

}  // namespace
}  // namespace boxlite::cli
