#include "boxlite/cli/complete_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using Words = std::vector<std::string>;

std::string asked_home;

std::vector<Candidate> Boxes(const std::string& home) {
  asked_home = home;
  return {{"web", "running"}, {"db", "stopped"}, {"abcdefghij01", "failed"}};
}

Words Values(const Words& words) {
  Words values;
  for (const Candidate& candidate : CompleteLine(words, Boxes).candidates) {
    values.push_back(candidate.value);
  }
  return values;
}

TEST(CompleteLine, OffersCommandsByTheirBegin) {
  EXPECT_THAT(Values({""}), IsSupersetOf({"run", "exec", "events", "help"}));
  EXPECT_THAT(Values({"re"}), ElementsAre("restart", "rename"));
  EXPECT_THAT(Values({"help", "ren"}), ElementsAre("rename"));
  EXPECT_THAT(Values({"--home", "/x", "ren"}), ElementsAre("rename"));
  EXPECT_THAT(Values({"__"}), IsEmpty()) << "hidden ones are not for people";
}

TEST(CompleteLine, OffersEveryOptionOfACommandAndTheCommonOnes) {
  for (const Subcommand* subcommand : AllSubcommands()) {
    const Words values = Values({std::string(subcommand->name), "--"});
    for (const Option& option : subcommand->syntax.options) {
      EXPECT_THAT(values, Contains("--" + std::string(option.name))) << subcommand->name;
    }
    EXPECT_THAT(values, Contains("--home"));
  }
  EXPECT_THAT(Values({"logs", "--ti"}), ElementsAre("--timestamps"));
  EXPECT_THAT(Values({"--v"}), ElementsAre("--version"));
}

TEST(CompleteLine, OffersBoxesWhereTheUsageSaysBox) {
  EXPECT_THAT(Values({"stop", ""}), ElementsAre("web", "db", "abcdefghij01"));
  EXPECT_THAT(Values({"stop", "web", "d"}), ElementsAre("db"));
  EXPECT_THAT(Values({"exec", "w"}), ElementsAre("web"));
  EXPECT_THAT(Values({"exec", "web", ""}), IsEmpty()) << "a command of the box";
  EXPECT_THAT(Values({"rename", ""}), Contains("web"));
  EXPECT_THAT(Values({"rename", "web", ""}), IsEmpty()) << "a new name";
  EXPECT_THAT(Values({"logs", "web", ""}), IsEmpty());
  EXPECT_THAT(Values({"ls", ""}), IsEmpty());
  EXPECT_THAT(Values({"rm", "--", "w"}), ElementsAre("web"));
}

TEST(CompleteLine, OffersImagesWhereTheUsageSaysImage) {
  const auto images = [](const std::string&) {
    return std::vector<Candidate>{{"debian:12", ""}, {"app", ""}};
  };
  const auto values = [&](const Words& words) {
    Words out;
    for (const Candidate& one : CompleteLine(words, Boxes, images).candidates) {
      out.push_back(one.value);
    }
    return out;
  };
  EXPECT_THAT(values({"rmi", "app", "d"}), ElementsAre("debian:12"));
  EXPECT_THAT(values({"run", "--rm", "a"}), ElementsAre("app"));
  EXPECT_THAT(values({"run", "app", ""}), IsEmpty()) << "a command of the box";
  EXPECT_THAT(values({"image", "pru"}), ElementsAre("prune"));
}

TEST(CompleteLine, PassesOverValuesOfOptions) {
  EXPECT_THAT(Values({"stop", "-t", "5", "w"}), ElementsAre("web"));
  EXPECT_THAT(Values({"logs", "-fn", "5", "w"}), ElementsAre("web"));
  EXPECT_THAT(Values({"logs", "-n5", "w"}), ElementsAre("web"));
  EXPECT_THAT(Values({"logs", "--tail=5", "w"}), ElementsAre("web"));
  EXPECT_THAT(Values({"stop", "-t", ""}), IsEmpty()) << "a number of seconds";
}

TEST(CompleteLine, OffersTheValuesThatHelpNames) {
  EXPECT_THAT(Values({"inspect", "--format", ""}), ElementsAre("json", "yaml"));
  EXPECT_THAT(Values({"inspect", "--format=j"}), ElementsAre("--format=json"));
  EXPECT_THAT(Values({"run", "--accel", "t"}), ElementsAre("tcg"));
  EXPECT_THAT(Values({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Values({"kill", "-s", "US"}), ElementsAre("USR1", "USR2"));
}

TEST(CompleteLine, LeavesFilesToTheShell) {
  EXPECT_EQ(CompleteLine(Words{"run", "--env-file", ""}, Boxes).files, Completions::Files::kAny);
  EXPECT_EQ(CompleteLine(Words{"--home", ""}, Boxes).files, Completions::Files::kDirectories);
  EXPECT_EQ(CompleteLine(Words{"ls", "--home", ""}, Boxes).files, Completions::Files::kDirectories);
  EXPECT_EQ(CompleteLine(Words{"stop", ""}, Boxes).files, Completions::Files::kNone);
}

TEST(CompleteLine, AsksTheHomeThatTheLineNames) {
  for (const Words& words : std::vector<Words>{{"--home", "/h", "stop", ""},
                                               {"--home=/h", "stop", ""},
                                               {"stop", "--home", "/h", ""},
                                               {"stop", "--home=/h", ""}}) {
    asked_home = "";
    Values(words);
    EXPECT_EQ(asked_home, "/h") << testing::PrintToString(words);
  }
}

TEST(CompleteLine, OffersNothingBehindWhatItDoesNotKnow) {
  EXPECT_THAT(Values({"frob", ""}), IsEmpty());
  EXPECT_THAT(CompleteLine({}, Boxes).candidates, IsEmpty());
}

TEST(CompletionLines, UndoTheBreaksOfBashAndDoThemAgain) {
  const auto lines = [](const Words& words) { return CompletionLines(Shell::kBash, words, Boxes); };
  EXPECT_EQ(lines({"inspect", "--format", "=", "j"}), "json\n:none\n");
  EXPECT_EQ(lines({"inspect", "--format", "="}), "json\nyaml\n:none\n");
  EXPECT_EQ(lines({"stop", "w"}), "web\n:none\n");
  EXPECT_EQ(CompletionLines(Shell::kZsh, Words{"inspect", "--format=j"}, Boxes),
            "--format=json\n:none\n");
}

TEST(CompletionLines, CarryTheHelpWhereTheShellShowsIt) {
  EXPECT_EQ(CompletionLines(Shell::kFish, Words{"stop", "w"}, Boxes), "web\trunning\n:none\n");
  EXPECT_EQ(CompletionLines(Shell::kFish, Words{"run", "--env-file", ""}, Boxes), ":files\n");
}

TEST(CompletionScripts, CallTheHiddenCommand) {
  for (const Shell shell : {Shell::kBash, Shell::kZsh, Shell::kFish}) {
    EXPECT_THAT(std::string(CompletionScript(shell)), HasSubstr("__complete"));
  }
}

}  // namespace
}  // namespace boxlite::cli
