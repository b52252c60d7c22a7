#include "boxlite/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Option kOptions[] = {{"detach", 'd', "", ""},
                               {"quiet", 'q', "", ""},
                               {"env", 'e', "NAME", ""},
                               {"name", 0, "NAME", ""}};
constexpr Option kUnavailable[] = {{"tty", 't', "", ""}};

Result<Arguments> Parse(std::vector<std::string> words,
                        Positionals positionals = Positionals::kAnywhere) {
  return Arguments::Parse({kOptions, kUnavailable, positionals}, words);
}

std::string ErrorOf(std::vector<std::string> words) {
  Result<Arguments> parsed = Parse(std::move(words));
  return parsed.ok() ? "" : parsed.error().message();
}

TEST(Arguments, TakesValuesInEveryFormThatDockerTakes) {
  Result<Arguments> parsed =
      Parse({"--env", "A=1", "--env=B=2", "-e", "C=3", "-eD=4", "-e=E=5", "-dqeF=6"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_THAT(parsed->All("env"), ElementsAre("A=1", "B=2", "C=3", "D=4", "E=5", "F=6"));
  EXPECT_TRUE(parsed->Has("detach"));
  EXPECT_TRUE(parsed->Has("quiet"));
}

TEST(Arguments, KeepsValuesThatLookLikeOptions) {
  Result<Arguments> parsed = Parse({"--name", "--detach", "-e", "-q", "--env="});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Last("name"), "--detach");
  EXPECT_THAT(parsed->All("env"), ElementsAre("-q", ""));
  EXPECT_FALSE(parsed->Has("detach"));
}

TEST(Arguments, KeepsEveryByteOfAValue) {
  const std::string bytes = "X=\xff\x01\n{}[a,b]%%\"'";
  Result<Arguments> parsed = Parse({"-e", bytes});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->All("env"), ElementsAre(bytes));
}

TEST(Arguments, LetsTheLastWordOnAFlagAndOnASingleValueCount) {
  Result<Arguments> parsed =
      Parse({"--detach", "--detach=false", "--quiet=true", "--name", "a", "--name=b"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->Has("detach"));
  EXPECT_TRUE(parsed->Has("quiet"));
  EXPECT_EQ(parsed->Last("name"), "b");
  EXPECT_EQ(parsed->LastOr("env", "none"), "none");
}

TEST(Arguments, PassesTheCommandOnVerbatimBehindTheFirstPositional) {
  Result<Arguments> parsed =
      Parse({"-d", "image", "sh", "-c", "[ -f x ]", "--help", "-e", "--", "[a,b]", ""},
            Positionals::kEndOptions);
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->positionals(),
              ElementsAre("image", "sh", "-c", "[ -f x ]", "--help", "-e", "--", "[a,b]", ""));
  EXPECT_FALSE(parsed->Has("help"));
  EXPECT_THAT(parsed->All("env"), IsEmpty());
}

TEST(Arguments, TakesOptionsBehindPositionalsWhereNothingFollows) {
  Result<Arguments> parsed = Parse({"box", "-d", "--", "-q"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->positionals(), ElementsAre("box", "-q"));
  EXPECT_TRUE(parsed->Has("detach"));
  EXPECT_FALSE(parsed->Has("quiet"));
}

TEST(Arguments, TakesALoneDashAsAPositional) {
  Result<Arguments> parsed = Parse({"-"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->positionals(), ElementsAre("-"));
}

TEST(Arguments, KnowsHomeAndHelpEverywhere) {
  Result<Arguments> parsed = Parse({"--home", "/x", "-h"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Last("home"), "/x");
  EXPECT_TRUE(parsed->Has("help"));
}

TEST(Arguments, GivesALetterToTheCommandBeforeTheCommonOption) {
  static constexpr Option kHostname[] = {{"hostname", 'h', "NAME", ""}};
  const std::vector<std::string> words = {"-h", "db"};
  Result<Arguments> parsed = Arguments::Parse({kHostname, {}}, words);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Last("hostname"), "db");
  EXPECT_FALSE(parsed->Has("help"));
}

TEST(Arguments, NamesWhatIsWrong) {
  EXPECT_THAT(ErrorOf({"--bogus"}), HasSubstr("unknown option --bogus"));
  EXPECT_THAT(ErrorOf({"--bogus=1"}), HasSubstr("unknown option --bogus"));
  EXPECT_THAT(ErrorOf({"-dx"}), HasSubstr("unknown option -x in -dx"));
  EXPECT_THAT(ErrorOf({"--name"}), HasSubstr("--name needs a value"));
  EXPECT_THAT(ErrorOf({"-de"}), HasSubstr("-e needs a value"));
  EXPECT_THAT(ErrorOf({"--detach=maybe"}), HasSubstr("--detach is a flag"));
  EXPECT_THAT(ErrorOf({"--detac"}), HasSubstr("unknown option"));
}

TEST(Arguments, TellsWhatIsNotThereYetFromWhatIsUnknown) {
  for (const std::string word : {"-t", "--tty", "-dt", "--tty=true"}) {
    Result<Arguments> parsed = Parse({word});
    ASSERT_FALSE(parsed.ok()) << word;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(parsed.error().message(), HasSubstr("not available in this version"));
  }
}

}  // namespace
}  // namespace boxlite::cli
