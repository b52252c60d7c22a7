#include "boxlite/cli/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boxlite/cli/help.h"

namespace boxlite::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(ManPage, OfTheProgramNamesEveryCommandOnce) {
  const std::string page = ProgramManPage("2026-11-24");
  EXPECT_THAT(page, StartsWith(".TH BOXLITE 1 2026-11-24 \"boxlite "));
  for (const Subcommand* subcommand : AllSubcommands()) {
    const std::string entry = "\\fBboxlite\\-" + std::string(subcommand->name) + "\\fR(1)";
    const std::size_t at = page.find(entry);
    ASSERT_NE(at, std::string::npos) << subcommand->name;
    EXPECT_EQ(page.find(entry, at + 1), std::string::npos) << subcommand->name;
  }
}

TEST(ManPage, OfACommandHasItsOptionsAndExamples) {
  const std::string page = SubcommandManPage(kLogs, "2026-11-24");
  EXPECT_THAT(page, HasSubstr(".SH NAME\nboxlite\\-logs \\- show what the main command"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-f\\fR, \\fB\\-\\-follow\\fR\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-since\\fR \\fITIME\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".nf\nboxlite logs web\n"));
}

TEST(ManPage, LeavesTheLetterHToTheHostname) {
  const std::string page = SubcommandManPage(kRun, "2026-11-24");
  EXPECT_THAT(page, HasSubstr("\\fB\\-h\\fR, \\fB\\-\\-hostname\\fR"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-help\\fR\n"));
}

TEST(ManPage, LetsNoTextBecomeACommandOfRoff) {
  constexpr Option kOptions[] = {{"x", 0, "", ".SH hidden\n'br\\fB~^"}};
  const Subcommand subcommand = {.name = "x",
                                 .aliases = "",
                                 .purpose = "Do x",
                                 .usage = "",
                                 .notes = ".nf\n\n'quoted'\n",
                                 .examples = ".TH\n",
                                 .syntax = {kOptions, {}},
                                 .prepare = nullptr};
  const std::string page = SubcommandManPage(subcommand, "2026-11-24");
  EXPECT_THAT(page, HasSubstr("\\&.SH hidden\n\\&\\(aqbr\\efB\\(ti\\(ha"));
  EXPECT_THAT(page, HasSubstr("\\&.nf\n.PP\n\\&\\(aqquoted\\(aq\n"));
  EXPECT_THAT(page, HasSubstr(".nf\n\\&.TH\n.fi\n"));
}

TEST(VerbGroups, HoldEveryCommandOnceAndLeaveNoneOver) {
  std::vector<const Subcommand*> all;
  for (const VerbGroup& group : VerbGroups()) {
    EXPECT_NE(group.title, "Other commands") << "a command is in no group of help.cc";
    all.insert(all.end(), group.verbs.begin(), group.verbs.end());
  }
  EXPECT_THAT(all, testing::UnorderedElementsAreArray(AllSubcommands()));
}

}  // namespace
}  // namespace boxlite::cli
